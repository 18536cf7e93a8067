// Saves a draft while one writes: 1.5 seconds after the last key, when a field
// is left, and when the page is hidden.
//
// The form is posted to its data-autosave address with X-Autosave: 1 and a
// _changed for each name that has changed since the last save. The answer is
// JSON: version (for _version), saved_at (a time as shown), conflicts (names
// that somebody else has changed too), refresh (draw the fields anew), wrong
// (path and text of each answer that cannot be sent as it is).
// What could not be saved stays in sessionStorage until it is.
import { fetchPage, fill, later, setVersion, texts } from './page.js';
import { replaceFields, setValues, questions, smooth, tellQuestions } from './fields.js';
import { Wrong } from './wrong.js';

const pause = 1500;
const firstRetry = 4000;
const lastRetry = 60_000;
const patience = 20_000;

class Saver {
  constructor(form) {
    this.form = form;
    this.key = 'luvat:draft:' + form.dataset.autosave;
    this.bar = form.querySelector('[data-save]');
    this.changed = new Set(); // names not saved yet
    this.wrong = new Wrong(form);
    this.saving = null;
    this.redraw = false;
    this.retry = firstRetry;
    this.leaving = false;
    this.listen();
    this.restore();
  }

  listen() {
    const { form } = this;
    form.addEventListener('input', (event) => this.note(event.target));
    form.addEventListener('change', (event) => {
      this.note(event.target);
      if ('controls' in event.target.dataset) {
        this.redraw = true;
        this.save();
      }
    });
    form.addEventListener('focusout', () => this.save());
    form.addEventListener('submit', (event) => this.submit(event));
    // After a conflict the version is still the old one: sending the form leads
    // to the page with both texts, where a plain reload would lose one.
    this.bar?.querySelector('[data-reload]')?.addEventListener('click', (event) => {
      if (!this.conflict) return;
      event.preventDefault();
      form.requestSubmit();
    });
    window.addEventListener('pageshow', () => { this.leaving = false; });
    window.addEventListener('pagehide', () => this.leave());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.leave();
    });
    window.addEventListener('online', () => this.save());
  }

  // submit lets a save that is on its way arrive first: it changes the version
  // that the form is about to send.
  submit(event) {
    if (smooth.includes(event.submitter?.name)) return;
    if (this.saving) {
      const button = event.submitter;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.saving.finally(() => this.form.requestSubmit(button));
      return;
    }
    clearTimeout(this.timer);
    this.leaving = true;
    if (this.changed.size) this.stash('submit');
  }

  note(input) {
    if (!input.name || input.name.startsWith('_') || input.type === 'file') return;
    this.changed.add(input.name);
    this.after(pause);
  }

  after(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), ms);
  }

  leave() {
    if (!this.changed.size || this.leaving) return;
    this.stash('leave');
    this.save(true);
  }

  // settle waits until nothing is on its way.
  async settle() {
    clearTimeout(this.timer);
    await this.saving;
  }

  // clean is told when somebody else has saved all.
  clean() {
    this.changed.clear();
    this.unstash();
  }

  save(keepalive = false) {
    clearTimeout(this.timer);
    if (this.leaving || (!this.changed.size && !this.redraw)) return this.saving;
    if (this.saving && !keepalive) {
      this.saving.then(() => this.after(0));
      return this.saving;
    }
    this.saving = this.send(keepalive).finally(() => { this.saving = null; });
    return this.saving;
  }

  async send(keepalive) {
    const sent = this.changed;
    const redraw = this.redraw;
    this.changed = new Set();
    this.redraw = false;
    this.show('saving');
    try {
      const answer = await this.post(sent, keepalive);
      setVersion(this.form, answer.version);
      this.retry = firstRetry;
      this.unstash();
      this.conflict = answer.conflicts?.length > 0;
      if (this.conflict) this.show('conflict', '', true);
      else this.show('saved', answer.saved_at ?? '');
      if (redraw || answer.refresh) await this.refresh();
      this.wrong.learn(answer.wrong ?? [], sent);
    } catch (error) {
      for (const name of sent) this.changed.add(name);
      this.redraw ||= redraw;
      this.stash('failed');
      this.show(error.signedOut ? 'signedOut' : 'failed', '', error.signedOut);
      if (!error.signedOut) {
        this.after(this.retry);
        this.retry = Math.min(2 * this.retry, lastRetry);
      }
    }
  }

  async post(names, keepalive) {
    const body = texts(this.form);
    for (const name of names) body.append('_changed', name);
    const answer = await fetch(this.form.dataset.autosave, {
      method: 'POST', body, keepalive, headers: { 'X-Autosave': '1', 'Accept': 'application/json' },
      signal: AbortSignal.timeout(patience),
    });
    const json = answer.headers.get('Content-Type')?.includes('json');
    if (!answer.ok || !json) {
      const error = new Error(`autosave: ${answer.status}`);
      error.signedOut = answer.status === 401 || (answer.redirected && !json);
      throw error;
    }
    return answer.json();
  }

  async refresh() {
    const { page } = await fetchPage(location.href);
    const before = questions(this.form);
    if (replaceFields(this.form, page, this.changed)) tellQuestions(this.form, before);
  }

  show(state, value = '', reload = false) {
    const line = this.bar?.querySelector('[data-state]');
    const link = this.bar?.querySelector('[data-reload]');
    if (!line || (state === 'saving' && link && !link.hidden)) return; // it must not move while it is being pressed
    line.textContent = fill(this.bar.dataset[state], value);
    line.classList.toggle('bad', ['failed', 'signedOut', 'conflict'].includes(state));
    if (link) {
      link.href = location.href;
      link.hidden = !reload;
    }
  }

  stash(why) {
    const values = [...texts(this.form)].filter(([name]) => !name.startsWith('_'));
    const version = this.form.elements.namedItem('_version')?.value;
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ why, version, values, changed: [...this.changed] }));
    } catch { /* full or forbidden: the text is still in the fields */ }
  }

  unstash() {
    try {
      sessionStorage.removeItem(this.key);
    } catch { /* forbidden: then nothing is there */ }
  }

  // restore brings back what was not saved before the page was left.
  restore() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(this.key));
    } catch { /* nothing to bring back */ }
    this.unstash();
    const version = this.form.elements.namedItem('_version')?.value;
    if (!kept || (kept.why !== 'failed' && kept.version !== version)) return; // it did arrive
    const valuesOf = (entries, name) => entries.filter(([n]) => n === name).map(([, v]) => v);
    const now = [...texts(this.form)];
    const lost = kept.changed.filter((name) => String(valuesOf(now, name)) !== String(valuesOf(kept.values, name)));
    if (!lost.length) return;
    setVersion(this.form, kept.version); // the server finds out what others did meanwhile
    for (const name of lost) {
      setValues(this.form, name, valuesOf(kept.values, name));
      this.changed.add(name);
    }
    this.show('restored');
    later(pause).then(() => this.save());
  }
}

export function autosave(form) { return new Saver(form); }
