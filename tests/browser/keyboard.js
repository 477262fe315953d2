// The way from the form to sign in to a shop, with Tab, Enter and letters alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { HANA, PASSWORD } from './people.js';
import { DESK, closeWindow, openWindow } from './stage.js';
import { textsOf } from './texts.js';

// More stops than any page on the way has before what is looked for.
const STOPS_MAX = 40;

/** Declares the stories. */
export function byKeyboard() {
  const texts = textsOf('ja');
  let page;
  before(async () => (page = keyboardOf(await openWindow({ viewport: DESK }))));
  after(() => page?.close());

  test('a member signs in and goes out to a shop', async () => {
    await page.open('/sign-in');
    await page.tabTo(texts('sign-in-mail'));
    await page.type(HANA);
    await page.tabTo(texts('sign-in-password'));
    await page.type(PASSWORD);
    await page.enter('/');
    await page.tabTo(texts('wallet-find-shop'));
    await page.enter('/shops');
    await page.tabTo('きらめき百貨店');
    await page.enter('/shops/kirameki');
    await page.tabTo(texts('offer-go'));
    await page.enter(/\/sandbox\/shop\/kirameki\?ref=/);
  });

  test('the skip link leads past the navigation', async () => {
    await page.open('/shops');
    assert.equal((await page.tab()).name, texts('skip-to-main'));
    await page.enter('/shops#main');
    assert((await page.tab()).name.startsWith(texts('shops-search')));
  });

  for (const path of ['/', '/passbook', '/shops', '/clicks']) {
    test(`Tab stops at everything on ${path}, in order, and shows where it is`, async () => {
      await page.open(path);
      const stops = await page.countControls();
      assert(stops > 5);
      for (let stop = 0; stop < stops; stop += 1) assert.equal((await page.tab()).place, stop);
    });
  }
}

/** What a person does and sees who has a keyboard only. */
export function keyboardOf(window) {
  /** Goes to the next stop, which must be seen, and tells which it is. */
  async function tab() {
    await window.keyboard.press('Tab');
    const stop = await window.evaluate(describeFocus, CONTROLS);
    assert(stop.marked, `nothing shows that the focus is at ${stop.name}`);
    assert(stop.onScreen, `the focus is off the screen at ${stop.name}`);
    return stop;
  }

  async function tabTo(name) {
    for (let stops = 0; stops < STOPS_MAX; stops += 1) {
      if ((await tab()).name.startsWith(name)) return;
    }
    assert.fail(`Tab does not come to ${name}`);
  }

  return {
    tab,
    tabTo,
    open: (path) => window.goto(path),
    type: (text) => window.keyboard.type(text),
    /** Presses Enter, which leads to this address. */
    enter: async (address) => {
      await window.keyboard.press('Enter');
      await window.waitForURL(address);
    },
    countControls: () => window.locator(CONTROLS).count(),
    close: () => closeWindow(window),
  };
}

// What can be operated, and so must be a stop.
const CONTROLS = [
  'a[href]',
  'button:enabled',
  'input:enabled:not([type=hidden])',
  'select:enabled',
  'textarea:enabled',
  'summary',
].join(', ');

/** Runs in the page: tells about what has the focus, once it was scrolled to. */
async function describeFocus(controls) {
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  const element = document.activeElement;
  const style = getComputedStyle(element);
  // To the pixel, which is as far as the browser scrolls.
  const box = element.getBoundingClientRect();
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return {
    name: (element.labels?.[0] ?? element).innerText.replace(/\s+/g, ' ').trim(),
    place: Array.from(document.querySelectorAll(controls)).indexOf(element),
    marked: element.matches(':focus-visible') && (outlined || style.boxShadow !== 'none'),
    onScreen: box.width > 0 && box.top >= -1 && box.bottom <= innerHeight + 1,
  };
}
