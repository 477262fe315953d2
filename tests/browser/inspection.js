// Looks at one page as a phone and a desk show it, by day and by night. What is not well is a
// finding: a line of text. A page in order has none.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { sessionOf } from './people.js';
import { DESK, PHONE, address, closeWindow, openWindow } from './stage.js';
import { textsOf } from './texts.js';

// Of HTML, CSS and all else that a first visit transfers.
const BYTES_MAX = 60_000;
// What remains of 1280 when somebody zooms to 400 per cent (WCAG 1.4.10).
const ZOOMED = { width: 320, height: 640 };
// Axe takes most of the time, and what it looks for hardly depends on the language: in Japanese it
// sees the phone, in English the desk.
const ALL_SIGHTS = process.env.ALL_SIGHTS === '1';
const SIZES_FOR_AXE = ALL_SIGHTS
  ? { ja: [PHONE, DESK], en: [PHONE, DESK] }
  : { ja: [PHONE], en: [DESK] };
// At night only the colours change, so that is all axe looks at again.
const RULES = {
  light: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
  dark: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] },
};

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Opens a window that looks at one page after the other, in one language.
 *
 * A page has a `path`, or a function `arrive` that leads there from nowhere. `who` is signed in,
 * `status` is what it is answered with.
 */
export async function openInspector(language) {
  const window = await openWindow({ language });
  // Put there by the debugger, past the page's content security policy.
  await window.addInitScript({ content: axe });
  const traffic = await watchTraffic(window);
  const texts = textsOf(language);
  const answers = new Map();

  async function inspect(page) {
    await becomeWho(window, page.who);
    await window.setViewportSize(PHONE);
    traffic.forget();
    if (page.path) await window.goto(page.path);
    else await page.arrive(window, texts);
    await window.waitForLoadState('load');
    return [
      ...(await traffic.findings(page.status ?? 200)),
      ...(await findWrongFrame(window, language)),
      ...(await findBySize(window, SIZES_FOR_AXE[language])),
      ...(await findDeadLinks(window, page, answers)),
    ];
  }
  return { window, inspect, close: () => closeWindow(window) };
}

async function becomeWho(window, who) {
  const { cookies } = await sessionOf(who);
  await window.context().clearCookies();
  await window.context().addCookies(cookies);
}

/** Notes what a window loads, how that is answered, and what the window complains of. */
async function watchTraffic(window) {
  const protocol = await window.context().newCDPSession(window);
  const requests = new Map();
  const complaints = [];
  let status;
  protocol.on('Network.requestWillBeSent', ({ requestId, loaderId, request, redirectResponse }) => {
    const urls = [redirectResponse?.url, request.url].filter(Boolean);
    complaints.push(...urls.filter(isForeign).map((url) => `loads ${url}`));
    requests.set(requestId, { loaderId, bytes: 0 });
  });
  protocol.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId);
    if (request) request.bytes = encodedDataLength;
  });
  window.on('response', (response) => {
    if (response.request().isNavigationRequest()) status = response.status();
    else if (!response.ok()) complaints.push(`${response.status()} for ${response.url()}`);
  });
  window.on('requestfailed', (request) => {
    const failure = request.failure()?.errorText;
    // The browser itself gives up what it was loading when a page is left.
    if (failure !== 'net::ERR_ABORTED') complaints.push(`${failure} for ${request.url()}`);
  });
  window.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  window.on('console', (message) => {
    // That a page was answered with 4xx is repeated here; `status` is checked instead.
    const repeated = message.location().url === window.url() && /status of/.test(message.text());
    if (message.type() === 'error' && !repeated) complaints.push(`console: ${message.text()}`);
  });
  await protocol.send('Network.enable');
  // Every visit is a first visit.
  await protocol.send('Network.setCacheDisabled', { cacheDisabled: true });

  function forget() {
    requests.clear();
    complaints.length = 0;
  }

  async function findings(expected) {
    const { frameTree } = await protocol.send('Page.getFrameTree');
    const { loaderId } = frameTree.frame;
    const own = Array.from(requests.values()).filter((request) => request.loaderId === loaderId);
    const bytes = own.reduce((sum, request) => sum + request.bytes, 0);
    const found = [...complaints];
    if (status !== expected) found.push(`is answered with ${status}, not ${expected}`);
    if (bytes > BYTES_MAX) found.push(`weighs ${bytes} bytes, more than ${BYTES_MAX}`);
    if (bytes === 0) found.push('was not weighed');
    return found;
  }
  return { forget, findings };
}

function isForeign(url) {
  return !url.startsWith(`${address()}/`) && !url.startsWith('data:');
}

/** Compares the frame around the page with what it must say: the language, where one is. */
async function findWrongFrame(window, language) {
  const [spoken, marks] = await window.evaluate(() => [
    document.documentElement.lang,
    document.querySelectorAll('header [aria-current]').length,
  ]);
  const findings = [];
  if (spoken !== language) findings.push(`speaks ${spoken}`);
  if (marks > 1) findings.push(`marks ${marks} places as the current one`);
  return findings;
}

/** Finds what does not fit in a size and, in some sizes, what keeps people out. */
async function findBySize(window, forAxe) {
  const findings = [];
  for (const size of [PHONE, DESK, ZOOMED]) {
    await window.setViewportSize(size);
    const over = await window.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) findings.push(`${size.width}: ${over} px too wide`);
    if (forAxe.includes(size)) findings.push(...(await findBarriers(window, size.width)));
  }
  return findings;
}

async function findBarriers(window, width) {
  const findings = [];
  for (const [colorScheme, runOnly] of Object.entries(RULES)) {
    await window.emulateMedia({ colorScheme });
    const violations = await window.evaluate(runAxe, runOnly);
    findings.push(...violations.map((text) => `${width} ${colorScheme}: ${text}`));
  }
  return findings;
}

/** Runs in the page. */
async function runAxe(runOnly) {
  const { violations } = await globalThis.axe.run({ runOnly, resultTypes: ['violations'] });
  return violations.map(({ id, nodes }) => {
    const places = nodes.slice(0, 3).map(({ target }) => target.join(' '));
    const more = nodes.length > 3 ? ` and ${nodes.length - 3} more` : '';
    return `${id} at ${places.join(', ')}${more}`;
  });
}

/** Finds links that lead nowhere, or to the form to sign in for somebody who is signed in. */
async function findDeadLinks(window, { who, status }, answers) {
  const { links, lost } = await window.evaluate(linksOf);
  const findings = lost.map((hash) => `links to ${hash}, which is not there`);
  for (const { url, itself } of links) {
    const key = `${who} ${url}`;
    if (!answers.has(key)) {
      const answer = await window.context().request.get(url, { maxRedirects: 0 });
      answers.set(key, answer.status());
    }
    const answer = answers.get(key);
    const fine = answer < 400 || (answer === 401 && !who) || (itself && answer === status);
    if (!fine) findings.push(`links to ${url.slice(address().length)}, answered with ${answer}`);
  }
  return findings;
}

/** Runs in the page: gives its links, but for clicks, which are written down. */
function linksOf() {
  const all = Array.from(document.links).filter(({ origin }) => origin === location.origin);
  const inside = all.filter((link) => link.getAttribute('href').startsWith('#'));
  const outside = all.filter(({ hash, pathname }) => !hash && !pathname.startsWith('/go/'));
  return {
    links: outside.map(({ href, pathname }) => ({
      url: href,
      itself: pathname === location.pathname,
    })),
    lost: inside.map(({ hash }) => hash).filter((hash) => !document.getElementById(hash.slice(1))),
  };
}
