// Short ways to write differences that recur in the list of accepted ones.
import { ABSENT, SUCCESS } from './compare.mjs';

/** The same differences in several scenarios. */
export const each = (differences, names) => Object.fromEntries(names.map((name) => [name, differences]));

/** Only Keymint refuses. */
export const refused = (status, code, message) => [
  ['1.status', 200, status],
  ['1.body', SUCCESS, { code, message }],
];

/** Only Better Auth refuses. */
export const granted = (status, code, message) => [
  ['1.status', status, 200],
  ['1.body', { code, message }, SUCCESS],
];

/** Only Keymint's refusal has a body. */
export const told = (code, message, step = 1) => [
  [`${step}.type`, ABSENT, 'application/json'],
  [`${step}.body`, ABSENT, { code, message }],
];
