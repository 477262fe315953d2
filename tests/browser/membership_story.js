// Becoming a member on a phone: an address, the letter's code, a password, and home; then a passkey,
// which signs in without either.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { MAIL_S, SECRET, press, signUp } from './people.js';
import { PHONE, windowFor } from './stage.js';
import { textsOf } from './texts.js';

/** Declares the stories. */
export function membershipStories() {
  for (const language of ['ja', 'en']) {
    test(`signing up in ${language}, JavaScript off`, (run) => signUpAndSet(run, language));
  }
  test('a passkey', signInByPasskey);
  test('a lost password', replacePassword);
}

async function signUpAndSet(run, language) {
  const texts = textsOf(language);
  const page = await windowFor(run, { language, javaScriptEnabled: false, viewport: PHONE });
  const mail = await signUp(page, texts);
  await page.goto('/settings');
  assert((await page.locator('main').innerText()).includes(mail));
  assert.equal(await page.locator('select[name="language"]').inputValue(), language);
  assert(await page.locator('#passkey-add').isHidden());
}

async function signInByPasskey(run) {
  const texts = textsOf('ja');
  const page = await windowFor(run, { viewport: PHONE });
  await signUp(page, texts);
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  await devices.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto('/settings');
  await press(page, texts('passkey-add'));
  await page.waitForURL('/settings?done=passkey');
  await page.goto('/sign-out');
  await press(page, texts('sign-out-send'));
  await page.waitForURL('/sign-in');
  await press(page, texts('passkey-sign-in'));
  await page.waitForURL('/');
  await page.goto('/settings');
  assert.equal(await page.locator('h1').innerText(), texts('settings-title'));
}

async function replacePassword(run) {
  const texts = textsOf('ja');
  const page = await windowFor(run, { javaScriptEnabled: false, viewport: PHONE });
  const mail = await signUp(page, texts);
  const other = await windowFor(run, { javaScriptEnabled: false, viewport: PHONE });
  await other.goto('/password');
  await other.getByLabel(texts('sign-in-mail')).fill(mail);
  await press(other, texts('reset-send'));
  await other.waitForURL('/password/code');
  // The newest letter is above; the first one is the code of signing up.
  let code;
  for (const late = Date.now() + MAIL_S * 1_000; Date.now() < late && !code; await pause(250)) {
    await other.goto('/sandbox/mail');
    const rows = other.getByRole('row').filter({ hasText: mail }).filter({ hasText: /\d{6}/ });
    const letters = await rows.allInnerTexts();
    if (letters.length > 1) [code] = letters[0].match(/\d{6}/);
  }
  assert(code, `no second letter to ${mail}`);
  await other.goto('/password/code');
  await other.getByLabel(texts('mail-proof-code')).fill(code);
  await press(other, texts('mail-proof-code-send'));
  await other.getByLabel(texts('new-password')).fill(`${SECRET}, two of them`);
  await press(other, texts('reset-password-send'));
  await other.waitForURL('/');
  // Whoever was signed in before no longer is.
  assert.equal((await page.goto('/settings')).status(), 401);
}
