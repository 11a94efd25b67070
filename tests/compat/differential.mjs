// The differential run: `node differential.mjs [--other reference] [--only PART-OF-A-NAME]`.
import './settings.mjs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { other: { type: 'string', default: 'keymint' }, only: { type: 'string', default: '' } },
});
// Loaded here, since the reference reads the environment while it is loaded.
const { runScenarios } = await import('./differential/run.mjs');
const { tell, totals } = await import('./differential/report.mjs');

const started = performance.now();
const judgements = await runScenarios({ other: values.other, filter: values.only });
const { agree, accepted, fail } = totals(judgements);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
if (fail > 0) console.log(tell(judgements));
console.log(`scenarios: ${agree} agree, ${accepted} differ on purpose, ${fail} fail (${seconds} s)`);
process.exit(fail > 0 || judgements.length === 0 ? 1 : 0);
