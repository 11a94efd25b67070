// What a scenario saw, step by step, comparable with what it saw elsewhere.
import { Placeholders } from './placeholders.mjs';

/** What stands for a row that is not there. */
export const NO_ROW = 'no row';

export class Transcript {
  constructor(origin) {
    this.placeholders = new Placeholders(origin);
    this.steps = [];
    this.outcome = 'nothing';
  }

  /** Makes a created key's text known. */
  learn(body) {
    if (typeof body?.key === 'string') this.placeholders.learnKey(body.key);
  }

  answer(response) {
    this.learn(response.body);
    const { status, type, location, cookies, body } = response;
    this.outcome = outcome(status, body);
    this.steps.push({
      status,
      type,
      location: location && this.placeholders.text(location),
      cookies: cookies.map((line) => this.placeholders.cookie(line)),
      body: this.placeholders.value(withoutCreators(body)),
    });
  }

  /** A row, or the lack of one; dates are ISO texts there too, and anything else is seen as it is. */
  row(row) {
    this.outcome = row === undefined ? NO_ROW : 'row';
    this.steps.push({ row: row === undefined ? NO_ROW : this.placeholders.value(shared(row)) });
  }
}

/** A body without the member that only Keymint has in every key that it shows to those who manage keys. */
function withoutCreators(body) {
  if (Array.isArray(body?.apiKeys)) return { ...body, apiKeys: body.apiKeys.map(withoutCreators) };
  if (typeof body?.createdBy !== 'string') return body;
  const { createdBy: _, ...others } = body;
  return others;
}

/**
 * The columns that both sides have: Keymint keeps some of its own beside them, and always has the one that Better
 * Auth's organization plugin adds to a session.
 */
function shared(row) {
  const isOurs = ([column, value]) =>
    column.startsWith('keymint_') || (column === 'activeOrganizationId' && value === null);
  return Object.fromEntries(Object.entries(row).filter((entry) => !isOurs(entry)));
}

/** An answer in a word: what the scenario promises of its last step. */
function outcome(status, body) {
  if (typeof body?.valid === 'boolean') return body.valid ? 'valid' : `refused ${body.error.code}`;
  if (status >= 400 && body?.code) return `${status} ${body.code}`;
  return body === null ? `${status} null` : String(status);
}
