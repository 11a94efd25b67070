// Drives every scenario against both sides, and judges what they answered.
import { isDeepStrictEqual } from 'node:util';
import { ACCEPTED } from '../accepted.mjs';
import { PROFILES } from '../profiles/index.mjs';
import { SCENARIOS } from '../scenarios/index.mjs';
import { compareSteps } from './compare.mjs';
import { startPair } from './targets.mjs';
import { Transcript } from './transcript.mjs';
import { World } from './world.mjs';

/**
 * Returns one judgement for each scenario: `{ scenario, verdict: 'agree' | 'accepted' | 'fail', report }`.
 * `other` is `keymint`, or `reference` to prove that the scenarios themselves are steady.
 */
export async function runScenarios({ other, filter }) {
  const complaints = complainAboutLists();
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  const chosen = SCENARIOS.filter(({ name }) => name.includes(filter));
  const needed = PROFILES.filter((profile) => chosen.some((scenario) => scenario.profile === profile.name));
  const pairs = await startPairs(needed, other);
  const judgements = [];
  try {
    // One after the other: the reference sweeps expired keys at most once in ten seconds, in whatever request comes.
    for (const scenario of chosen) {
      const { targets } = pairs.get(scenario.profile);
      const [reference, keymint] = await Promise.all(targets.map((target) => observe(scenario, target)));
      judgements.push(judge(scenario, reference, keymint, other === 'reference' ? undefined : acceptance(scenario)));
    }
  } finally {
    await Promise.all([...pairs.values()].map((pair) => pair.stop()));
  }
  return judgements;
}

async function startPairs(profiles, other) {
  const pairs = await Promise.all(profiles.map(async (profile) => [profile.name, await startPair(profile, other)]));
  return new Map(pairs);
}

async function observe(scenario, target) {
  const transcript = new Transcript(target.origin);
  const world = new World(target, transcript, SCENARIOS.indexOf(scenario) + 1);
  try {
    await scenario.run(world);
  } catch (error) {
    // Reported with the steps before it; two sides that break alike still miss the promised outcome.
    transcript.outcome = `broke: ${error.message}`;
    transcript.steps.push({ broke: error.message });
  }
  return transcript;
}

function judge(scenario, reference, keymint, accepted) {
  const found = compareSteps(reference.steps, keymint.steps);
  const problems = [];
  if (reference.outcome !== scenario.outcome) {
    problems.push(`the reference came to ${reference.outcome}, and not to ${scenario.outcome}`);
  }
  const expected = accepted ?? [];
  if (!isDeepStrictEqual(found, expected)) {
    problems.push(accepted ? 'it does not differ in the accepted way' : 'the answers differ');
  }
  if (problems.length > 0) return { scenario, verdict: 'fail', problems, found, expected };
  return { scenario, verdict: accepted ? 'accepted' : 'agree' };
}

/** The differences that are accepted of a scenario, in the form in which they are found. */
function acceptance({ name }) {
  const lists = ACCEPTED.flatMap(({ scenarios }) => scenarios[name] ?? []);
  return lists.length === 0 ? undefined : lists.map(([at, reference, keymint]) => ({ at, reference, keymint }));
}

/** Names are keys: of the list of accepted differences, and for the reader. */
function complainAboutLists() {
  const names = SCENARIOS.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const entries = ACCEPTED.flatMap(({ scenarios }) => Object.keys(scenarios));
  return [
    ...twice.map((name) => `two scenarios have the name "${name}"`),
    ...entries.filter((name) => !names.includes(name)).map((name) => `accepted.mjs names no scenario: "${name}"`),
    ...entries.filter((name, index) => entries.indexOf(name) !== index).map((name) => `accepted twice: "${name}"`),
    ...SCENARIOS.filter(({ profile }) => !PROFILES.some(({ name }) => name === profile)).map(
      ({ name, profile }) => `"${name}" names no profile: ${profile}`,
    ),
  ];
}
