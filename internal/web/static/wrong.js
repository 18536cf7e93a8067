// Tells at its field what is wrong with an answer that was saved as it was
// typed. Nobody is corrected in the middle of a word: it waits until the field
// is left. A save knows nothing of what is only missing, and that is not told.
import { say } from './page.js';

export class Wrong {
  constructor(form) {
    this.form = form;
    this.wrong = new Map(); // path of an answer → what is wrong with it
    this.touched = new Set(); // names that were saved by this page
    this.told = new Set(); // paths
    form.addEventListener('focusout', () => setTimeout(() => this.tell()));
  }

  // learn takes what a save found wrong, and the names that it saved.
  learn(wrong, names) {
    this.wrong = new Map(wrong.map(({ path, text }) => [path, text]));
    for (const name of names) this.touched.add(name);
    this.tell();
  }

  tell() {
    for (const problem of this.form.querySelectorAll('.problem[id]')) {
      const path = problem.id.slice('f-'.length, -'-problem'.length);
      const box = boxOf(path);
      if (!this.wrong.has(path) && this.mine(path) && !box?.contains(document.activeElement)) this.take(box, problem, path);
    }
    for (const [path, text] of this.wrong) {
      const box = boxOf(path);
      if (box && this.mine(path) && !box.contains(document.activeElement)) this.put(box, path, text);
    }
  }

  // mine is an answer that was given on this page. Rows are one answer, and so
  // are a date and its time.
  mine(path) {
    if (this.told.has(path)) return true;
    return [...this.touched].some((name) => name === path || name === path + '.date' || name === path + '.time' || path.startsWith(name + '.'));
  }

  put(box, path, text) {
    const id = `f-${path}-problem`;
    let problem = document.getElementById(id);
    if (problem?.querySelector('[data-text]')?.textContent === text) return;
    if (!problem) {
      problem = document.querySelector('[data-problem]').content.firstElementChild.cloneNode(true);
      problem.id = id;
      const before = box.querySelector(':scope > .help') ?? box.querySelector(':scope > .label');
      if (before) before.after(problem);
      else box.prepend(problem);
    }
    problem.querySelector('[data-text]').textContent = text;
    this.told.add(path);
    box.classList.add('wrong');
    for (const input of inputsOf(box)) input.setAttribute('aria-invalid', 'true');
    const described = describedOf(box);
    described?.setAttribute('aria-describedby', [...new Set([...words(described), id])].join(' '));
    say(`${box.querySelector('.label')?.textContent.trim() ?? ''}: ${text}`);
  }

  take(box, problem, path) {
    problem.remove();
    this.told.delete(path);
    if (!box) return;
    box.classList.remove('wrong');
    for (const input of inputsOf(box)) input.removeAttribute('aria-invalid');
    const described = describedOf(box);
    const left = described ? words(described).filter((id) => id !== problem.id) : [];
    if (left.length) described.setAttribute('aria-describedby', left.join(' '));
    else described?.removeAttribute('aria-describedby');
  }
}

const boxOf = (path) => document.getElementById('f-' + path)?.closest('.listed, .field');
const inputsOf = (box) => box.querySelectorAll('input:not([type=hidden]), select, textarea');
const describedOf = (box) => (box.localName === 'fieldset' ? box : inputsOf(box)[0]);
const words = (element) => (element.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean);
