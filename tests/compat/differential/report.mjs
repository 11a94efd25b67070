// What a run is told as.

/** Every failure, with the places that differ: what was found can be pasted into the list of accepted differences. */
export function tell(judgements) {
  return judgements
    .filter(({ verdict }) => verdict === 'fail')
    .map(failure)
    .join('\n');
}

function failure({ scenario, problems, found, expected }) {
  const lines = [`FAIL ${scenario.name} [${scenario.profile}]`, ...problems.map((problem) => `  ${problem}`)];
  lines.push(...found.map((difference) => `  found    ${line(difference)}`));
  lines.push(...expected.map((difference) => `  accepted ${line(difference)}`));
  return lines.join('\n');
}

function line({ at, reference, keymint }) {
  return `[${[at, reference, keymint].map((value) => JSON.stringify(value)).join(', ')}],`;
}

/** The count of each verdict. */
export function totals(judgements) {
  const count = (verdict) => judgements.filter((judgement) => judgement.verdict === verdict).length;
  return { agree: count('agree'), accepted: count('accepted'), fail: count('fail') };
}
