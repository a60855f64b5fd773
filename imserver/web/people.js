// The demo people, and who talks to whom. Anybody else is called by the user key.

import { language } from './words.js';

const PEOPLE = {
  0: { zh: '系统消息', en: 'System', short: { zh: '系', en: 'S' }, tone: 'teal', side: 'site' },
  m7: { zh: '客服小美', en: 'Support Mei', short: { zh: '美', en: 'M' }, tone: 'teal', side: 'shop' },
  m9: { zh: '客服阿杰', en: 'Support Jay', short: { zh: '杰', en: 'J' }, tone: 'plum', side: 'shop' },
  8: { zh: '买家小王', en: 'Buyer Wang', short: { zh: '王', en: 'W' }, tone: 'indigo', side: 'buyers' },
  1024: { zh: '买家小林', en: 'Buyer Lin', short: { zh: '林', en: 'L' }, tone: 'amber', side: 'buyers' },
};

// The two windows of the first page, left and right.
export const PAIR = ['m7', '8'];

const TONES = ['teal', 'indigo', 'plum', 'amber'];

// A user key: letters of the source, which may be absent, then a digit, then the rest of the account. What is not one, such
// as a socket id, can still be written to, but has no presence.
export function isUserKey(key) {
  return key.length <= 64 && /^[A-Za-z]*[0-9][0-9A-Za-z_-]*$/.test(key);
}

export function nameOf(key) {
  return known(key) ? PEOPLE[key][language()] : key;
}

export function initialOf(key) {
  return known(key) ? PEOPLE[key].short[language()] : Array.from(key)[0] || '?';
}

export function toneOf(key) {
  if (known(key)) return PEOPLE[key].tone;
  const sum = Array.from(key).reduce((total, letter) => total + letter.codePointAt(0), 0);
  return TONES[sum % TONES.length];
}

// Whom this person finds in the list: the other side of the shop's counter.
export function peersOf(key) {
  const side = known(key) ? PEOPLE[key].side : /^m[0-9]/.test(key) ? 'shop' : 'buyers';
  const order = PAIR.concat(Object.keys(PEOPLE).filter((other) => PAIR.indexOf(other) < 0));
  return order.filter((other) => other !== key && PEOPLE[other].side !== 'site' && PEOPLE[other].side !== side);
}

function known(key) {
  return Object.prototype.hasOwnProperty.call(PEOPLE, key);
}
