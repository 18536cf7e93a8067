// Exchanges the fields of a form for those of a newer page, without taking
// away what the person is doing: focus, caret, place on the screen, and what
// was typed meanwhile stay.
import { fetchPage, fill, say, setVersion, texts } from './page.js';

// replaceFields returns false if the page has no such form.
export function replaceFields(form, page, typed = new Set()) {
  const newForm = page.getElementById(form.id);
  const source = newForm?.querySelector('[data-fields]');
  const old = form.querySelector('[data-fields]');
  if (!source || !old) return false;
  const fresh = document.importNode(source, true);
  const focus = remember(old);
  const kept = texts(form);
  keepUploads(old, fresh);
  old.replaceWith(fresh);
  for (const name of typed) setValues(form, name, kept.getAll(name));
  setVersion(form, newForm.elements.namedItem('_version')?.value);
  restore(form, focus);
  return true;
}

// setValues puts values in the inputs of a name.
export function setValues(form, name, values) {
  let next = 0;
  for (const input of form.elements) {
    if (input.name !== name || input.type === 'hidden' || input.type === 'file') continue;
    if (input.type === 'radio' || input.type === 'checkbox') {
      input.checked = values.includes(input.value);
    } else {
      const texts = values.length > 1 ? values.filter((v, i) => v !== '' || i > 0) : values;
      input.value = texts[next++] ?? '';
    }
  }
}

// keepUploads moves files on their way into the new fields.
function keepUploads(old, fresh) {
  for (const field of old.querySelectorAll('[data-files]')) {
    const uploads = field.querySelector('[data-uploads]');
    if (!uploads?.firstElementChild) continue;
    const home = [...fresh.querySelectorAll('[data-files]')].find((f) => f.dataset.files === field.dataset.files);
    home?.querySelector('[data-uploads]')?.replaceWith(uploads);
  }
}

function remember(container) {
  const input = document.activeElement;
  if (!input || !container.contains(input)) return null;
  const focus = { id: input.id, name: input.name, value: input.value, top: input.getBoundingClientRect().top };
  try {
    [focus.start, focus.end] = [input.selectionStart, input.selectionEnd];
  } catch { /* inputs such as dates have no caret */ }
  return focus;
}

function restore(form, focus) {
  if (!focus) return;
  const input = (focus.id && document.getElementById(focus.id)) ||
    [...form.elements].find((e) => e.name === focus.name && e.value === focus.value);
  if (!input) return;
  input.focus({ preventScroll: true });
  window.scrollBy(0, input.getBoundingClientRect().top - focus.top);
  if (typeof focus.start === 'number') {
    try {
      input.setSelectionRange(focus.start, focus.end);
    } catch { /* as above */ }
  }
}

// questions are the names that a form asks: a row's and a date's parts are one.
export function questions(form) {
  const names = [...form.querySelectorAll('[data-fields] :is(input, select, textarea)')].map((input) => input.name);
  return new Set(names.filter((name) => name && !name.startsWith('_')).map((name) => name.replace(/\.(date|time)$|\.\d+(\..*)?$/, '')));
}

// tellQuestions tells a screen reader how many questions came and went since
// before: the focus stays where it is, and they stand elsewhere.
export function tellQuestions(form, before) {
  const words = form.querySelector('[data-fields]').dataset;
  const now = questions(form);
  const came = [...now].filter((name) => !before.has(name)).length;
  const went = [...before].filter((name) => !now.has(name)).length;
  const told = [];
  if (came) told.push(came === 1 ? words.cameOne : fill(words.cameMany, came));
  if (went) told.push(went === 1 ? words.wentOne : fill(words.wentMany, went));
  if (told.length) say(told.join(' '));
}

// smooth are the buttons whose pages need not be loaded whole.
export const smooth = ['_add', '_remove', '_refresh'];

// smoothRows sends the buttons that add and remove rows without a new page.
export function smoothRows(form, saver) {
  let plain = false;
  form.addEventListener('submit', async (event) => {
    const button = event.submitter;
    if (plain || !smooth.includes(button?.name)) return;
    event.preventDefault();
    if (form.getAttribute('aria-busy')) return;
    form.setAttribute('aria-busy', 'true');
    try {
      await saver.settle();
      const { page, url } = await fetchPage(form.action, 'POST', texts(form, button));
      const before = questions(form);
      if (replaceFields(form, page)) {
        saver.clean();
        if (button.name === '_refresh') tellQuestions(form, before);
        focusAfter(button.name, button.value);
      } else {
        location.assign(url);
      }
    } catch {
      plain = true; // the browser tells what is wrong better than we can
      form.requestSubmit(button.isConnected ? button : null);
      plain = false;
    } finally {
      form.removeAttribute('aria-busy');
    }
  });
}

function focusAfter(deed, path) {
  const whole = document.getElementById('f-' + (deed === '_remove' ? path.replace(/\.\d+$/, '') : path));
  const field = whole?.closest('fieldset') ?? whole;
  if (!field || deed === '_refresh') return;
  if (deed === '_add') {
    const places = field.querySelectorAll(':scope > .rows > .row, :scope > .listed');
    const input = places[places.length - 1]?.querySelector('input:not([type=hidden]), select, textarea');
    (input ?? field).focus();
    return;
  }
  (field.querySelector('[name="_add"], input[type=file]') ?? field).focus();
}
