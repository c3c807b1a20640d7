/**
 * Listens in on the audio element, for the meter.
 *
 * Does:       hand out the level and a spectrum of what is playing.
 * Never:      stands between the element and the loudspeaker where that can be avoided: an audio
 *             context that the system suspends would silence it. A captured copy is used where the
 *             browser makes one without muting the original (Chromium).
 * Guarantees: without a way to listen in, the level is the floor and the player plays on.
 */
export const FLOOR_DB = -90;
const LOWEST_HZ = 45;
const HIGHEST_HZ = 14_000;
const QUIET_DB = -78;
const LOUD_DB = -24;
const CONTRAST = 1.7;

export class Tap {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  /** @type {AudioNode | null} */
  #source = null;
  #samples = new Float32Array(4096);
  #spectrum = new Float32Array(2048);

  /** @param {HTMLAudioElement} audio */
  constructor(audio) {
    this.audio = /** @type {any} */ (audio);
  }

  /** Call when sound begins. */
  attach() {
    try {
      this.#open();
      this.#context?.resume().catch(() => null);
      if (this.audio.captureStream) this.#copy();
    } catch {
      this.#analyser = null;
    }
  }

  /** The loudness right now, in dB below full scale: 0 to FLOOR_DB. */
  level() {
    if (!this.#analyser) return FLOOR_DB;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const rms = Math.sqrt(sum / this.#samples.length);
    return rms > 0 ? Math.max(FLOOR_DB, 20 * Math.log10(rms)) : FLOOR_DB;
  }

  /**
   * Fill `bands` with the spectrum, low to high, 0 to 1 each.
   *
   * @param {Float32Array} bands
   */
  bands(bands) {
    if (!this.#analyser || !this.#context) return bands.fill(0);
    this.#analyser.getFloatFrequencyData(this.#spectrum);
    const bin = this.#context.sampleRate / this.#analyser.fftSize;
    const step = (HIGHEST_HZ / LOWEST_HZ) ** (1 / bands.length);
    for (let band = 0; band < bands.length; band += 1) {
      const low = Math.floor((LOWEST_HZ * step ** band) / bin);
      const high = Math.max(low + 1, Math.ceil((LOWEST_HZ * step ** (band + 1)) / bin));
      let top = QUIET_DB;
      for (let at = low; at < high; at += 1) top = Math.max(top, this.#spectrum[at] ?? QUIET_DB);
      // Music falls off towards the treble; without this lift the right half would lie still.
      const lifted = top + (12 * band) / bands.length;
      const share = Math.min(1, Math.max(0, (lifted - QUIET_DB) / (LOUD_DB - QUIET_DB)));
      bands[band] = share ** CONTRAST;
    }
    return bands;
  }

  #open() {
    if (this.#context) return;
    if (!this.audio.captureStream && !this.audio.mozCaptureStream) return;
    this.#context = new AudioContext({ latencyHint: 'playback' });
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 4096;
    this.#analyser.smoothingTimeConstant = 0.78;
    if (this.audio.captureStream) return;
    this.#source = this.#context.createMediaElementSource(this.audio);
    this.#source.connect(this.#analyser);
    this.#source.connect(this.#context.destination);
  }

  /** A captured stream loses its tracks when the element loads again, so take a new one each time. */
  #copy() {
    const stream = this.audio.captureStream();
    if (stream.getAudioTracks().length > 0) this.#join(stream);
    // The first track may come a moment after the first sound.
    else stream.addEventListener('addtrack', () => this.#join(stream), { once: true });
  }

  /** @param {MediaStream} stream */
  #join(stream) {
    if (!this.#context || !this.#analyser) return;
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
  }
}
