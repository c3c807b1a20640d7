import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceName } from '#page/account/devices.js';

const MOZILLA = 'Mozilla/5.0';
const NAMES = [
  [`${MOZILLA} (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0`, 'Firefox on Linux'],
  [`${MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0`, 'Edge on Windows'],
  [`${MOZILLA} (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36`, 'Chrome on Android'],
  [`${MOZILLA} (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1`, 'Safari on iPhone'],
  ['curl/8.5.0', 'curl'],
  ['Python-urllib/3.11', 'Python-urllib'],
  ['', 'An unknown device'],
];

test('a device is called by its browser and system', () => {
  for (const [agent, name] of NAMES) assert.equal(deviceName(agent), name);
});
