// Pages and words, for the other modules.

// fetchPage reads a page of the hub as a document.
export function fetchPage(url, method = 'GET', body = null) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = 'document';
    request.onload = () => {
      if (request.response) resolve({ page: request.response, url: request.responseURL });
      else reject(new Error(`${method} ${url}: ${request.status}, not a page`));
    };
    request.onerror = () => reject(new Error(`${method} ${url}: no connection`));
    request.send(body);
  });
}

// fill puts a value in the blank {0} of a text.
export const fill = (text, value) => text.replace('{0}', value);

// say tells something to a screen reader.
export function say(text) {
  const live = document.getElementById('live');
  if (live) live.textContent = text;
}

// texts are the entries of a form without its files and buttons.
export function texts(form, submitter = null) {
  const data = new FormData(form, submitter);
  for (const [name, value] of [...data]) {
    if (value instanceof File) data.delete(name);
  }
  return data;
}

// setVersion takes over the version that a newer page or answer tells.
export function setVersion(form, version) {
  const input = form.elements.namedItem('_version');
  if (input && version != null && version !== '') input.value = version;
}

export const later = (ms) => new Promise((done) => setTimeout(done, ms));
