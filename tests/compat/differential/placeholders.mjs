// What differs between two runs of one scenario by nature, replaced by what it means.
import { createHash, createHmac } from 'node:crypto';
import { SECRET } from '../settings.mjs';

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ID = /^[A-Za-z0-9]{32}$/;
const RANDOM_PART = 43;
const MINUTE = 60_000;
const LONG_AGO = 400 * 24 * 60 * MINUTE;

/** One for each run of a scenario: the same text has the same placeholder wherever it appears. */
export class Placeholders {
  constructor(origin) {
    this.origin = origin;
    this.keys = [];
    this.ids = [];
  }

  /** Makes the text of a key known, so that it, its start and its hash are recognised. */
  learnKey(text) {
    if (!this.keys.includes(text)) this.keys.push(text);
  }

  /** Replaces what differs by nature anywhere in a value of JSON. */
  value(value, member) {
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (value !== null && typeof value === 'object') {
      // By name, since ids are counted as they appear and the order of members is no part of the contract.
      const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
      return Object.fromEntries(members.map(([name, item]) => [name, this.value(item, name)]));
    }
    // How long to wait depends on how fast the test is.
    if (member === 'tryAgainIn') return `about ${Math.round(value / MINUTE)} minutes`;
    return typeof value === 'string' ? this.text(value, member) : value;
  }

  text(text, member) {
    return this.date(text) ?? this.key(text, member) ?? this.id(text) ?? text.replaceAll(this.origin, '<origin>');
  }

  /** A date is told by its distance from now: to the minute, since the two sides do not run at the same instant. */
  date(text) {
    if (!DATE.test(text)) return undefined;
    const distance = Date.parse(text) - Date.now();
    if (Math.abs(distance) > LONG_AGO) return undefined;
    const minutes = Math.round(distance / MINUTE);
    return minutes === 0 ? '<now>' : `<now ${minutes > 0 ? '+' : '-'} ${Math.abs(minutes)} minutes>`;
  }

  key(text, member) {
    for (const [index, key] of this.keys.entries()) {
      if (text === key) return `${key.slice(0, -RANDOM_PART)}<key ${index + 1}>`;
      if (text === hash(key)) return `<hash of key ${index + 1}>`;
      if (member === 'start' && key.startsWith(text)) {
        return `${text.slice(0, key.length - RANDOM_PART)}<${text.length} first of key ${index + 1}>`;
      }
    }
    return undefined;
  }

  id(text) {
    if (!ID.test(text)) return undefined;
    if (!this.ids.includes(text)) this.ids.push(text);
    return `<id ${this.ids.indexOf(text) + 1}>`;
  }

  /** A cookie keeps its name and its attributes as they came; a signed value is told by what is signed. */
  cookie(line) {
    const [, name, value, attributes] = /^([^=]*)=([^;]*)(.*)$/s.exec(line);
    return `${name}=${this.cookieValue(value)}${attributes}`;
  }

  cookieValue(value) {
    const text = decodeURIComponent(value);
    const dot = text.lastIndexOf('.');
    if (dot < 0) return value;
    const [signed, signature] = [text.slice(0, dot), text.slice(dot + 1)];
    const right = signature === sign(signed) && encodeURIComponent(text) === value;
    return right ? `<signed ${this.text(signed)}>` : value;
  }
}

/** The signature of Better Auth's cookies. */
export function sign(text) {
  return createHmac('sha256', SECRET).update(text).digest('base64');
}

function hash(key) {
  return createHash('sha256').update(key).digest('base64url');
}
