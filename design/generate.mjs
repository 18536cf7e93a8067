// Regenerates what internal/web/static takes from the published design packages:
// tokens.css (suomifi-design-tokens), icons.svg (suomifi-icons) and fonts/
// (@fontsource/source-sans-3). Run it with `npm ci && npm run generate` after a
// change of version; commit the results, so that a build needs no npm.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = (path) => here('../internal/web/static/' + path);
const versionOf = (pkg) => JSON.parse(readFileSync(here(`node_modules/${pkg}/package.json`))).version;

// Tokens: every published variable that is a plain value. Mixins are left out:
// app.css writes its own typography on a rem scale, so that text grows when the
// reader enlarges it.
const scss = readFileSync(here('node_modules/suomifi-design-tokens/dist/tokens.scss'), 'utf8');
const tokens = [...scss.matchAll(/\$fi-((?:color|spacing|radius|shadow|transition)-[a-z0-9-]+):\s*([^;]+);/g)];
writeFileSync(out('tokens.css'), `/* Made by design/generate.mjs from suomifi-design-tokens ${versionOf('suomifi-design-tokens')} (MIT). Not edited by hand. */
:root {
${tokens.map(([, name, value]) => `  --${name}: ${value};`).join('\n')}
}
`);

// Icons: our name → the published one. Only what the pages use.
const icons = {
  'alert': 'baseIcons/IconError',
  'arrow-left': 'baseIcons/IconArrowLeft',
  'arrow-right': 'baseIcons/IconArrowRight',
  'attachment': 'baseIcons/IconAttachment',
  'calendar': 'baseIcons/IconCalendar',
  'check': 'baseIcons/IconCheck',
  'check-circle': 'baseIcons/IconCheckCircle',
  'chevron-down': 'baseIcons/IconChevronDown',
  'chevron-right': 'baseIcons/IconChevronRight',
  'clock': 'baseIcons/IconClock',
  'close': 'baseIcons/IconClose',
  'download': 'baseIcons/IconDownload',
  'edit': 'baseIcons/IconEdit',
  'external': 'baseIcons/IconLinkExternal',
  'file': 'baseIcons/IconFileGeneric',
  'help': 'baseIcons/IconHelp',
  'history': 'baseIcons/IconHistory',
  'hourglass': 'baseIcons/IconHourglass',
  'info': 'baseIcons/IconInfo',
  'location': 'baseIcons/IconMapLocation',
  'lock': 'baseIcons/IconLock',
  'login': 'baseIcons/IconLogin',
  'logout': 'baseIcons/IconLogout',
  'message': 'baseIcons/IconMessage',
  'person': 'baseIcons/IconPerson',
  'plus': 'baseIcons/IconPlus',
  'print': 'baseIcons/IconPrint',
  'refresh': 'baseIcons/IconRefresh',
  'remove': 'baseIcons/IconRemove',
  'search': 'baseIcons/IconSearch',
  'send': 'baseIcons/IconSend',
  'warning': 'baseIcons/IconWarning',
};

const attribute = { viewBox: 'viewBox', d: 'd', fillRule: 'fill-rule', clipRule: 'clip-rule', transform: 'transform', cx: 'cx', cy: 'cy', r: 'r', x: 'x', y: 'y', width: 'width', height: 'height', rx: 'rx', points: 'points' };

// markup writes a React element as SVG text in the colour of the text around it.
function markup(node) {
  if (node == null || typeof node === 'boolean') return '';
  if (Array.isArray(node)) return node.map(markup).join('');
  const { children, fill, ...props } = node.props;
  const attrs = Object.entries(props).filter(([name]) => name in attribute).map(([name, value]) => ` ${attribute[name]}="${value}"`);
  if (fill === 'none') attrs.push(' fill="none"');
  return `<${node.type}${attrs.join('')}>${markup(children)}</${node.type}>`;
}

const symbols = Object.entries(icons).map(([name, source]) => {
  const svg = require(here(`node_modules/suomifi-icons/cjs/svgrComponents/${source}.js`))({});
  return `<symbol id="${name}" viewBox="${svg.props.viewBox}">${markup(svg.props.children)}</symbol>`;
});

// The mark of the service: our own, not a published logo.
symbols.push('<symbol id="mark" viewBox="0 0 32 32"><path d="M6 2h14l7 7v21H6z M19 3.5V10h6.5" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linejoin="round"></path><path d="m11 19 4 4 7.5-8.5" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"></path></symbol>');

writeFileSync(out('icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg"><!-- Made by design/generate.mjs from suomifi-icons ${versionOf('suomifi-icons')} (MIT). Not edited by hand. -->
${symbols.join('\n').replaceAll('></path>', '/>')}
</svg>
`);

// Fonts: the version is in the name, so that the file can be kept for ever.
const font = '@fontsource/source-sans-3';
mkdirSync(out('fonts'), { recursive: true });
for (const script of ['latin', 'latin-ext']) {
  for (const weight of [400, 600]) {
    copyFileSync(
      here(`node_modules/${font}/files/source-sans-3-${script}-${weight}-normal.woff2`),
      out(`fonts/source-sans-3-${versionOf(font)}-${script}-${weight}.woff2`),
    );
  }
}
copyFileSync(here(`node_modules/${font}/LICENSE`), out('fonts/LICENSE'));
const ranges = JSON.parse(readFileSync(here(`node_modules/${font}/unicode.json`)));
writeFileSync(out('fonts.css'), `/* Made by design/generate.mjs from ${font} ${versionOf(font)} (OFL-1.1). Not edited by hand. */
${['latin', 'latin-ext'].flatMap((script) => [400, 600].map((weight) => `@font-face {
  font-family: "Source Sans 3";
  font-style: normal;
  font-weight: ${weight};
  font-display: swap;
  src: url("/static/fonts/source-sans-3-${versionOf(font)}-${script}-${weight}.woff2") format("woff2");
  unicode-range: ${ranges[script]};
}`)).join('\n')}
`);
