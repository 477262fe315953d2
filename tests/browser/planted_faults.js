// The checks can fail: a fault that is planted in a page in order is found, and nothing else.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openInspector } from './inspection.js';
import { keyboardOf } from './keyboard.js';

const PATH = '/shops';

// What is added to the page's HTML or CSS, or put in the place of something, and what is found.
const FAULTS = [
  { name: 'faint text', css: '.fine { color: #aaa }', found: /light: color-contrast at / },
  { name: 'a wide page', css: 'main { width: 400px }', found: /^3[29]0: \d+ px too wide$/ },
  { name: 'a heavy style', css: `/*${'x'.repeat(60_000)}*/`, found: /^weighs \d+ bytes/ },
  {
    name: 'a field without a label',
    instead: ['for="field-q"', ''],
    found: /: label(-title-only)? at #field-q$/,
  },
  {
    name: 'a lost picture',
    html: '<img alt="" src="/static/lost.svg">',
    found: /^404 for |^console: Failed to load/,
  },
  { name: 'a link to nowhere', html: '<a href="/lost">lost</a>', found: /^links to \/lost, / },
  { name: 'a script in the page', html: '<script>1</script>', found: /^console: .*script-src/ },
  {
    name: 'a picture from elsewhere',
    html: '<img alt="" src="//elsewhere.example/">',
    found: /^loads http:\/\/elsewhere\.example\/$|^csp for |^console: .*img-src/,
  },
  {
    name: 'a second mark of where one is',
    instead: ['<a href="/clicks"', '<a href="/clicks" aria-current="page"'],
    found: /^marks 2 places/,
  },
  { name: 'another language', instead: ['lang="ja"', 'lang="en"'], found: /^speaks en$/ },
  { name: 'a wrong status', status: 500, found: /^is answered with 500, not 200$/ },
];

/** Declares a test for each fault. */
export function plantedFaults() {
  let inspector;
  before(async () => (inspector = await openInspector('ja')));
  after(() => inspector?.close());

  for (const { name, found, ...fault } of FAULTS) {
    test(`${name} is found`, async () => {
      const look = () => inspector.inspect({ path: PATH });
      const findings = await withFault(inspector.window, fault, look);
      assert(findings.length > 0);
      for (const finding of findings) assert.match(finding, found);
    });
  }

  test('a focus that nobody sees is found', async () => {
    const keyboard = keyboardOf(inspector.window);
    const fault = { css: ':focus-visible { outline: none }' };
    await withFault(inspector.window, fault, async () => {
      await keyboard.open(PATH);
      await assert.rejects(keyboard.tab, /nothing shows that the focus is at/);
    });
  });
}

/** Does something while the page or its style comes with a fault. */
async function withFault(window, { css = '', html = '', instead = ['', ''], status }, action) {
  const spoil = (change, status) => async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.text()), status });
  };
  const inPage = (text) => text.replace(...instead).replace('</main>', `${html}</main>`);
  const inStyle = (text) => `${text}\n${css}`;
  await window.route(`**${PATH}`, spoil(inPage, status));
  await window.route('**/*.css', spoil(inStyle));
  try {
    return await action();
  } finally {
    await window.unrouteAll();
  }
}
