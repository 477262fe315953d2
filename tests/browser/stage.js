// What all stories share: one program, one browser, and windows in it.

import { chromium } from 'playwright-core';

import { startProgram } from './program.js';

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 900 };

const BROWSER = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
const PATIENCE_MS = 20_000;

let program;
let browser;

/** Starts the program and the browser; to be called before any story. */
export async function openStage() {
  const starts = await Promise.allSettled([
    startProgram().then((started) => (program = started)),
    chromium.launch(BROWSER).then((started) => (browser = started)),
  ]);
  const failed = starts.find(({ status }) => status === 'rejected');
  if (!failed) return;
  await closeStage();
  throw failed.reason;
}

/** Ends what was started. */
export async function closeStage() {
  await browser?.close();
  await program?.stop();
}

/** Gives the origin that everything is loaded from. */
export const address = () => program.address;

/** Lets somebody of the staff in and gives the password. */
export const addStaff = (mail, role) => program.addStaff(mail, role);

/** Opens a window with cookies of its own; `options` are those of a Playwright context. */
export async function openWindow({ language = 'ja', ...options } = {}) {
  const context = await browser.newContext({
    baseURL: program.address,
    locale: language,
    viewport: PHONE,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return context.newPage();
}

/** Closes a window and forgets its cookies. */
export const closeWindow = (page) => page.context().close();

/** Opens a window for as long as a test runs. */
export async function windowFor(test, options) {
  const page = await openWindow(options);
  test.after(() => closeWindow(page));
  return page;
}
