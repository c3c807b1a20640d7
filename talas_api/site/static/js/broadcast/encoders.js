/**
 * How to connect each encoder.
 *
 * Does:       write the exact commands and settings for one station.
 * Never:      touches the page; invents a key: without one, the place for it is named.
 * Guarantees: a command can be pasted into a shell as it is, but for the name of the file.
 */

/**
 * @typedef {object} Target
 * @property {string} host
 * @property {string} port
 * @property {boolean} tls
 * @property {string} slug
 * @property {string} name
 * @property {string} key
 */

/** @typedef {{title: string, code?: string, rows?: [string, string][], note?: string}} Step */
/** @typedef {{id: string, name: string, about: string, steps: Step[]}} Encoder */

export const NO_KEY = 'YOUR-STREAM-KEY';

/**
 * @param {string} source where encoders reach the stream port
 * @param {{slug: string, name: string}} station
 * @param {string} key
 * @returns {Target}
 */
export function target(source, { slug, name }, key) {
  const { hostname, port, protocol } = new URL(source);
  const tls = protocol === 'https:';
  return { host: hostname, port: port || (tls ? '443' : '80'), tls, slug, name, key: key || NO_KEY };
}

/**
 * @param {Target} to
 * @returns {Encoder[]}
 */
export function encoders(to) {
  return [ffmpeg(to), butt(to), mixxx(to), liquidsoap(to)];
}

/** @param {Target} to @returns {Encoder} */
function ffmpeg(to) {
  const tls = to.tls ? ' -tls 1' : '';
  const end = `-c:a libmp3lame -b:a 192k -content_type audio/mpeg${tls} -f mp3 icecast://source:${to.key}@${to.host}:${to.port}/${to.slug}`;
  return {
    id: 'ffmpeg',
    name: 'ffmpeg',
    about: 'One line in a terminal.',
    steps: [
      { title: 'A file', code: `ffmpeg -re -i FILE.mp3 -vn ${end}`, note: 'Put the name of your file in place of FILE.mp3. Any format ffmpeg reads will do.' },
      { title: 'Your microphone', code: `ffmpeg ${microphone()} ${end}`, note: microphoneNote() },
      { title: 'What your computer plays', code: `ffmpeg -f pulse -i @DEFAULT_MONITOR@ ${end}`, note: 'Linux with PulseAudio or PipeWire.' },
    ],
  };
}

/** @param {Target} to @returns {Encoder} */
function butt(to) {
  return {
    id: 'butt',
    name: 'butt',
    about: 'Broadcast Using This Tool: a small program for microphones and mixers.',
    steps: [
      {
        title: 'Settings \u2192 Main \u2192 Server \u2192 Add',
        rows: [
          ['Name', to.name],
          ['Type', 'Icecast'],
          ['Address', to.host],
          ['Port', to.port],
          ['Password', to.key],
          ['Icecast mountpoint', to.slug],
          ['Icecast user', 'source'],
          ...tlsRow('Use SSL/TLS', to),
        ],
        note: 'Under Audio choose MP3, AAC or Ogg Opus, then press play in the main window.',
      },
    ],
  };
}

/** @param {Target} to @returns {Encoder} */
function mixxx(to) {
  return {
    id: 'mixxx',
    name: 'Mixxx',
    about: 'For DJs.',
    steps: [
      {
        title: 'Preferences \u2192 Live Broadcasting',
        rows: [
          ['Type', 'Icecast 2'],
          ['Host', to.host],
          ['Port', to.port],
          ['Mount', to.slug],
          ['Login', 'source'],
          ['Password', to.key],
          ...tlsRow('Use TLS', to),
        ],
        note: 'Then Options \u2192 Enable Live Broadcasting. The titles of your tracks show here by themselves.',
      },
    ],
  };
}

/** @param {Target} to @returns {Encoder} */
function liquidsoap(to) {
  const transport = to.tls ? '  transport=http.transport.ssl(),\n' : '';
  const code = `output.icecast(%mp3(bitrate=192),
  host="${to.host}", port=${to.port}, mount="${to.slug}",
  user="source", password="${to.key}",
${transport}  name=${quoted(to.name)}, radio)
`;
  return {
    id: 'liquidsoap',
    name: 'Liquidsoap',
    about: 'For stations that run by a script.',
    steps: [{ title: 'At the end of your script', code, note: 'radio is the source your script made.' }],
  };
}

/**
 * @param {string} label
 * @param {Target} to
 * @returns {[string, string][]}
 */
function tlsRow(label, to) {
  return to.tls ? [[label, 'on']] : [];
}

/** A Liquidsoap string. @param {string} text */
function quoted(text) {
  return `"${text.replace(/[\\"]/gu, '\\$&').replace(/#\{/gu, '\\#{')}"`;
}

/** The default microphone, as ffmpeg calls it on the reader's system. */
function microphone() {
  const system = platform();
  if (system === 'mac') return '-f avfoundation -i ":default"';
  if (system === 'windows') return '-f dshow -i audio="Microphone"';
  return '-f pulse -i default';
}

function microphoneNote() {
  const system = platform();
  if (system === 'mac') return 'macOS. ffmpeg -f avfoundation -list_devices true -i "" names the others.';
  if (system === 'windows') return 'Windows. ffmpeg -list_devices true -f dshow -i dummy names your microphone.';
  return 'Linux with PulseAudio or PipeWire. pactl list short sources names the others.';
}

function platform() {
  const agent = globalThis.navigator?.userAgent ?? '';
  if (/Mac|iPhone|iPad/u.test(agent)) return 'mac';
  return /Windows/u.test(agent) ? 'windows' : 'linux';
}
