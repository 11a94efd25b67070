// Where two values of JSON differ, as a list of places with what stands on both sides.
import { NO_ROW } from './transcript.mjs';

/** What stands where the other side has a member and this one has none. */
export const ABSENT = '(absent)';

/** What is said of a body where only the other side refused, and of a row where only the other side has none. */
export const SUCCESS = '(success)';
export const ROW = '(a row)';

const FEW_VALUES = 3;

/** All differences of two lists of steps: `{ at, reference, keymint }`, in the order of the places. */
export function compareSteps(reference, keymint) {
  const count = Math.max(reference.length, keymint.length);
  return Array.from({ length: count }, (_, index) => {
    const [one, other] = [reference[index], keymint[index]];
    const alike = one?.status === other?.status && (one?.row === NO_ROW) === (other?.row === NO_ROW);
    return differences(alike ? one : inAWord(one), alike ? other : inAWord(other), String(index + 1));
  }).flat();
}

/** A step that went another way than the other side's: the members of what succeeded say nothing there. */
function inAWord(step) {
  if (step?.status < 400) return { ...step, body: SUCCESS };
  if (step?.row !== undefined && step.row !== NO_ROW) return { row: ROW };
  return step;
}

function differences(reference, keymint, at) {
  if (Object.is(reference, keymint)) return [];
  if (!isContainer(reference) || !isContainer(keymint) || Array.isArray(reference) !== Array.isArray(keymint)) {
    return [{ at, reference: short(reference), keymint: short(keymint) }];
  }
  const names = [...new Set([...Object.keys(reference), ...Object.keys(keymint)])];
  return names.flatMap((name) => differences(reference[name], keymint[name], `${at}.${name}`));
}

/** A value as it is told where the other side has nothing to compare its members with. */
function short(value) {
  if (value === undefined) return ABSENT;
  const count = countValues(value);
  return count > FEW_VALUES ? `(${count} values)` : value;
}

function countValues(value) {
  if (!isContainer(value)) return 1;
  return Object.values(value).reduce((sum, member) => sum + countValues(member), 0);
}

function isContainer(value) {
  return value !== null && typeof value === 'object';
}
