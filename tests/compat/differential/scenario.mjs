/**
 * A scenario: under which profile it runs, its name, what its last step comes to at the reference, and what it does.
 * The outcome is an answer's status with its code (`400 NAME_REQUIRED`), a verdict (`valid`, `refused KEY_EXPIRED`),
 * or `row` and `no row`. It keeps a scenario from comparing two answers that are wrong in the same way.
 */
export function scenario(profile, name, outcome, run) {
  return { profile, name, outcome, run };
}
