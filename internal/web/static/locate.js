// Fills in where the device is, when its owner asks for that.
//
// A button with data-locate, the id of the input, is there only where a device
// can tell its place (class has-place of the page). Nothing is asked before it is
// pressed. What came of it is said beside the input, in the element that has the
// id of the input and "-located". The fields may be drawn anew meanwhile, so the
// places are looked up when they are needed.
import { fill } from './page.js';

const patience = 20_000;
const reasons = { 1: 'refused', 2: 'failed', 3: 'slow' }; // of GeolocationPositionError

export function locate() {
  if (!('geolocation' in navigator) || !window.isSecureContext) return;
  document.documentElement.classList.add('has-place');
  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('[data-locate]');
    if (button) ask(button.dataset);
  });
}

function ask(words) {
  const id = words.locate;
  const tell = (text) => {
    const line = document.getElementById(id + '-located');
    if (line) line.textContent = text;
  };
  tell(words.asking);
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    const input = document.getElementById(id);
    if (!input) return;
    input.value = coords.latitude.toFixed(5) + ', ' + coords.longitude.toFixed(5); // a metre
    for (const kind of ['input', 'change']) input.dispatchEvent(new Event(kind, { bubbles: true }));
    tell(fill(words.found, Math.ceil(coords.accuracy)));
  }, (error) => tell(words[reasons[error.code] ?? 'failed']), { enableHighAccuracy: true, timeout: patience, maximumAge: 60_000 });
}
