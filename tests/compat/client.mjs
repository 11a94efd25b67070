// The official client against the reference, which proves the checks, and against Keymint: `node client.mjs [--other
// reference]`.
import './settings.mjs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { other: { type: 'string', default: 'keymint' } } });
const { runClientChecks } = await import('./client/checks.mjs');
const { startPair } = await import('./differential/targets.mjs');
const { PROFILES } = await import('./profiles/index.mjs');

const started = performance.now();
const pair = await startPair(
  PROFILES.find(({ name }) => name === 'several'),
  values.other,
);
let failure;
try {
  const [, names] = await Promise.all(pair.targets.map(runClientChecks));
  console.log(`official client: ${names.length} checks pass (${((performance.now() - started) / 1000).toFixed(1)} s)`);
} catch (error) {
  failure = error;
  console.log(`FAIL ${error.message}`);
}
await pair.stop();
process.exit(failure ? 1 : 0);
