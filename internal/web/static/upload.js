// Sends files piece by piece, so that a break costs one piece and not the file.
//
// The protocol is that of tus 1.0, core and creation, by its own names:
//
//   POST  data-upload   Upload-Length, Upload-Name (URI-encoded) → 201, Location
//   PATCH Location      Upload-Offset, application/offset+octet-stream → 204, Upload-Offset
//   HEAD  Location      → Upload-Offset, to go on after a break
//   DELETE Location     the person does not want it after all
//
// An answer of text/plain with a status from 400 on is shown to the person.
import { fetchPage, fill, later, say } from './page.js';
import { replaceFields } from './fields.js';

const piece = 8 * 1024 * 1024;
const tries = 8;

export function uploads(form, saver) {
  const queue = new Queue(form, saver);
  form.addEventListener('change', (event) => {
    const input = event.target;
    if (input.type !== 'file' || !input.dataset.upload) return;
    const files = [...input.files];
    input.value = ''; // the form must not send them once more
    for (const file of files) queue.add(new Upload(file, input));
  });
  window.addEventListener('beforeunload', (event) => {
    if (queue.busy) event.preventDefault();
  });
}

class Queue {
  constructor(form, saver) {
    this.form = form;
    this.saver = saver;
    this.waiting = [];
    this.busy = false;
  }

  add(upload) {
    this.waiting.push(upload);
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    while (this.waiting.length) {
      const upload = this.waiting.shift();
      if (await upload.run()) await this.shown(upload);
    }
    this.busy = false;
  }

  // shown takes the fields from a fresh page: with the new file may come what
  // others have saved, and the version must not run ahead of what is shown.
  async shown(upload) {
    try {
      await this.saver.settle();
      const { page } = await fetchPage(location.href);
      if (!replaceFields(this.form, page, this.saver.changed)) return location.reload();
      upload.remove();
    } catch {
      /* the file is there; the list shows it on the next page */
    }
    say(fill(upload.words.done, upload.file.name));
  }
}

class Upload {
  constructor(file, input) {
    const field = input.closest('[data-files]');
    this.file = file;
    this.path = field.dataset.files;
    this.url = input.dataset.upload;
    this.key = ['luvat:upload', this.url, file.name, file.size, file.lastModified].join(':');
    this.row = document.importNode(field.querySelector('[data-upload-template]').content, true).firstElementChild;
    this.words = this.row.dataset;
    this.progress = this.part('progress');
    this.part('[data-name]').textContent = file.name;
    this.progress.setAttribute('aria-label', file.name);
    this.part('[data-pause]').addEventListener('click', () => this.pause());
    this.part('[data-resume]').addEventListener('click', () => this.resume());
    this.part('[data-cancel]').addEventListener('click', () => this.cancel());
    this.state('waiting');
    field.querySelector('[data-uploads]').append(this.row);
  }

  part(selector) { return this.row.querySelector(selector); }

  remove() { this.row.remove(); }

  state(name, text = this.words[name]) {
    this.part('[data-state]').textContent = fill(text, this.percent ?? 0);
  }

  moved(bytes) {
    this.percent = this.file.size ? Math.floor((100 * bytes) / this.file.size) : 100;
    this.progress.value = this.percent;
    this.state('going');
  }

  pause() {
    this.paused = new Promise((go) => { this.go = go; });
    this.request?.abort();
    this.buttons(true);
    this.state('paused');
    this.part('[data-resume]').focus();
  }

  resume() {
    this.go?.();
    this.paused = null;
    this.buttons(false);
    this.part('[data-pause]').focus();
  }

  buttons(paused) {
    this.part('[data-pause]').hidden = paused;
    this.part('[data-resume]').hidden = !paused;
  }

  cancel() {
    this.cancelled = true;
    this.go?.();
    this.request?.abort();
    if (this.location) fetch(this.location, { method: 'DELETE' }).catch(() => {});
    this.forget();
    const input = this.row.closest('[data-files]')?.querySelector('input[type=file]');
    this.remove();
    input?.focus();
  }

  // run returns true when all has arrived.
  async run() {
    for (let failed = 0; !this.cancelled;) {
      await this.paused;
      if (this.cancelled) break;
      try {
        let offset = await this.begin();
        while (offset < this.file.size) {
          offset = await this.patch(offset);
          failed = 0;
        }
        this.forget();
        return true;
      } catch (error) {
        if (this.cancelled) break;
        if (this.paused) continue;
        if (error.final || ++failed > tries) {
          this.refuse(error);
          return false;
        }
        this.state('retrying');
        await later(Math.min(1000 * 2 ** failed, 30_000));
      }
    }
    return false;
  }

  refuse(error) {
    this.forget();
    const text = error.words || (error.status === 413 ? this.words.tooLarge : this.words.refused);
    this.state('', text);
    this.part('[data-state]').classList.add('problem');
    this.progress.hidden = true;
    this.part('[data-pause]').hidden = true;
    say(this.file.name + ': ' + text);
  }

  // begin makes the upload, or finds how far it got before.
  async begin() {
    this.location ??= this.recall();
    if (this.location) {
      const answer = await this.ask('HEAD', this.location, {}, null, [404, 410]);
      if (answer.status < 300) return Number(answer.getResponseHeader('Upload-Offset'));
      this.location = null;
    }
    const answer = await this.ask('POST', this.url, {
      'Upload-Length': String(this.file.size), 'Upload-Name': encodeURIComponent(this.file.name),
    });
    const made = answer.getResponseHeader('Location');
    if (!made) throw { status: answer.status, final: true, words: '' }; // a page: the session has ended
    this.location = new URL(made, answer.responseURL).href;
    this.remember();
    return 0;
  }

  async patch(offset) {
    const end = Math.min(offset + piece, this.file.size);
    this.moved(offset);
    const answer = await this.ask('PATCH', this.location, {
      'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream',
    }, this.file.slice(offset, end), [409]);
    if (answer.status === 409) return this.begin(); // it has more or less than we thought
    const told = answer.getResponseHeader('Upload-Offset');
    if (told === null) throw { status: answer.status, final: true, words: '' }; // a page: the session has ended
    const reached = Number(told);
    this.moved(reached);
    return reached;
  }

  ask(method, url, headers, body = null, fine = []) {
    return new Promise((resolve, reject) => {
      const request = this.request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      const start = Number(headers['Upload-Offset'] ?? 0);
      if (body) request.upload.onprogress = (event) => this.moved(start + event.loaded);
      request.onload = () => {
        const { status } = request;
        if (status < 300 || fine.includes(status)) return resolve(request);
        const plain = request.getResponseHeader('Content-Type')?.startsWith('text/plain');
        const final = status < 500 && ![408, 423, 429].includes(status);
        reject({ status, final, words: plain && request.responseText.length < 500 ? request.responseText : '' });
      };
      request.onerror = request.onabort = () => reject({ status: 0 });
      request.send(body);
    });
  }

  remember() {
    try {
      sessionStorage.setItem(this.key, this.location);
    } catch { /* then it cannot go on after a new page */ }
  }

  recall() {
    try {
      return sessionStorage.getItem(this.key);
    } catch {
      return null;
    }
  }

  forget() {
    try {
      sessionStorage.removeItem(this.key);
    } catch { /* nothing was kept */ }
  }
}
