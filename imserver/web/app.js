// The first page: two demo people side by side, or with `?user=KEY` one window of one person.
// `?to=KEY` turns that window to somebody, `?lang=en` makes the page speak English.

import { set } from './dom.js';
import { PAIR, nameOf } from './people.js';
import { language, say, speak } from './words.js';
import { ChatWindow } from './window.js';

const query = new URLSearchParams(location.search);
const alone = query.get('user');
speak(query.get('lang'));

const windows = (alone ? [alone] : PAIR).map((user) => new ChatWindow(user));
const place = document.getElementById('windows');
place.className = alone ? 'alone' : 'pair';
windows.forEach((window) => place.appendChild(window.element));
document.getElementById('pair').hidden = !alone;
document.getElementById('language').addEventListener('click', switchLanguage);
label();
windows.forEach((window) => window.chat.start());

const to = query.get('to');
if (alone && to && to !== alone) windows[0].chat.turnTo(to);

function switchLanguage() {
  speak(language() === 'zh' ? 'en' : 'zh');
  if (language() === 'en') query.set('lang', 'en');
  else query.delete('lang');
  const rest = query.toString();
  history.replaceState(null, '', rest ? '/?' + rest : '/');
  label();
}

function label() {
  document.documentElement.lang = language() === 'zh' ? 'zh-CN' : 'en';
  document.title = alone ? nameOf(alone) + ' · IM' : 'IM · ' + say('site');
  document.querySelectorAll('[data-words]').forEach((element) => set(element, { text: say(element.dataset.words) }));
  set(document.querySelector('.hint'), { text: say(alone ? 'single_hint' : 'pair_hint') });
  set(document.getElementById('language'), { lang: language() === 'zh' ? 'en' : 'zh-CN' });
  set(document.getElementById('pair'), { href: language() === 'zh' ? '/' : '/?lang=en' });
  windows.forEach((window) => window.label());
}
