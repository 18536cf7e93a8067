// Smooths what works without it: drafts are saved while one writes, questions
// come and go without a new page, files go piece by piece.
//
// Runs under `script-src 'self'` and `require-trusted-types-for 'script'`
// without any policy: text is set as text, and pages are parsed by
// XMLHttpRequest (see page.js), which is no sink of markup.
import { autosave } from './autosave.js';
import { smoothRows } from './fields.js';
import { locate } from './locate.js';
import { uploads } from './upload.js';

document.documentElement.classList.add('js');

for (const form of document.querySelectorAll('form[data-autosave]')) {
  const saver = autosave(form);
  smoothRows(form, saver);
  uploads(form, saver);
}

locate();

document.addEventListener('click', (event) => {
  if (event.target.closest?.('[data-print]')) window.print();
});

// A second press of a button while the first is on its way does nothing.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === 'get') return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = '1';
  setTimeout(() => delete form.dataset.sent, 10_000);
});
window.addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent;
});
