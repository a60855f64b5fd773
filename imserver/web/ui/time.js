// When something was, as people say it.

import { language, say } from "./words.js";

const DAY_MS = 24 * 3600 * 1000;

const two = (number) => (number < 10 ? "0" : "") + number;

export function clock(ms) {
  const time = new Date(ms);
  return two(time.getHours()) + ":" + two(time.getMinutes());
}

function daysAgo(ms, now) {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  return Math.ceil((midnight.getTime() - ms) / DAY_MS);
}

function day(ms, now) {
  const time = new Date(ms);
  const days = daysAgo(ms, now);
  if (days === 1) return say("yesterday");
  if (days > 1 && days < 7) return say("weekday" + time.getDay());
  const sameYear = time.getFullYear() === new Date(now).getFullYear();
  if (language() === "zh") {
    return (sameYear ? "" : time.getFullYear() + "年") + (time.getMonth() + 1) + "月" + time.getDate() + "日";
  }
  const date = time.getDate() + " " + say("month" + time.getMonth());
  return sameYear ? date : date + " " + time.getFullYear();
}

/** Above a block of messages: the day if it was not today, and the time. */
export function stamp(ms, now) {
  return daysAgo(ms, now) <= 0 ? clock(ms) : day(ms, now) + " " + clock(ms);
}

/** In a list: the time today, the day before. */
export function brief(ms, now) {
  return daysAgo(ms, now) <= 0 ? clock(ms) : day(ms, now);
}

/** Whether two times are of one day. */
export function sameDay(one, other) {
  return new Date(one).toDateString() === new Date(other).toDateString();
}
