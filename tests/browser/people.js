// The people of the demo, and how they sign in.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { openWindow } from './stage.js';
import { textsOf } from './texts.js';

export const HANA = 'hana@example.jp';
export const TARO = 'taro@example.jp';
export const YUKI = 'yuki@example.jp';
export const ADMINISTRATOR = 'admin@daifuku.example';
export const ACCOUNTANT = 'accounting@daifuku.example';
export const AUDITOR = 'auditor@daifuku.example';
export const SALES = 'sales@daifuku.example';
export const SUPERVISOR = 'supervisor@daifuku.example';
export const SRE = 'sre@daifuku.example';
export const SUPPORT = 'support@daifuku.example';
export const DEVELOPER = 'developer@hoshino.example';
export const TRAVEL_DEVELOPER = 'developer@tabi.example';

const MEMBERS = [HANA, TARO, YUKI];
export const PASSWORD = 'mame-daifuku-2026';
/** The password of those who sign up here. */
export const SECRET = 'three beans in a rice cake';

/** How long a letter may take; the job that sends them runs every two seconds. */
export const MAIL_S = 30;

/** Fills in the form that a window shows, and sends it. */
export async function enterPassword(page, texts, mail, password = PASSWORD) {
  await page.getByLabel(texts('sign-in-mail')).fill(mail);
  await page.getByLabel(texts('sign-in-password')).fill(password);
  await press(page, texts('sign-in-send'));
}

/** Fills in the second step. */
export async function enterCode(page, texts, code, button = 'sign-in-send') {
  await page.getByLabel(texts('sign-in-code')).fill(code);
  await press(page, texts(button));
}

/** Presses the button of this name. */
export const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

/** Follows the link of this name. */
export const follow = (page, name) => page.getByRole('link', { name, exact: true }).click();

/** Signs a member in. */
export async function signIn(page, texts, mail) {
  await page.goto('/sign-in');
  await enterPassword(page, texts, mail);
  await page.waitForURL('/');
}

/** Becomes a member with a letter's code; gives the address. The password is `SECRET`. */
export async function signUp(page, texts) {
  const mail = `new-${randomUUID()}@example.jp`;
  await page.goto('/sign-in');
  await follow(page, texts('sign-up-title'));
  await page.getByLabel(texts('sign-in-mail')).fill(mail);
  await page.getByLabel(texts('sign-up-terms')).check();
  await press(page, texts('sign-up-send'));
  await page.waitForURL('/sign-up/code');
  const code = await readCode(page, mail);
  await page.goto('/sign-up/code');
  await page.getByLabel(texts('mail-proof-code')).fill(code);
  await press(page, texts('mail-proof-code-send'));
  await page.waitForURL('/sign-up/password');
  await page.getByLabel(texts('new-password')).fill(SECRET);
  await press(page, texts('sign-up-password-send'));
  await page.waitForURL('/');
  return mail;
}

/** Waits for the letter to an address and reads its code. */
async function readCode(page, mail) {
  for (const late = Date.now() + MAIL_S * 1_000; Date.now() < late; await pause(250)) {
    await page.goto('/sandbox/mail');
    const row = page.getByRole('row').filter({ hasText: mail });
    if ((await row.count()) === 0) continue;
    return (await row.first().innerText()).match(/\d{6}/)[0];
  }
  return assert.fail(`no letter to ${mail}`);
}

/** Signs somebody of the staff in, with the code that the demo shows in place of a phone. */
async function signInStaff(page, texts, mail) {
  await page.goto('/demo');
  const row = page.getByRole('row').filter({ hasText: mail });
  const code = await row.locator('td').last().innerText();
  await page.goto('/staff/sign-in');
  await enterPassword(page, texts, mail);
  await enterCode(page, texts, code.trim());
  await page.waitForURL('/staff');
}

// A code counts once in half a minute, so everybody signs in once and keeps the session. Windows
// are dear, so they come through one, in turn.
const sessions = new Map();
let lobby;
let turn = Promise.resolve();

/** Gives the cookies of somebody who is signed in; of nobody, none. */
export function sessionOf(mail) {
  if (!mail) return { cookies: [] };
  if (!sessions.has(mail)) {
    turn = turn.then(() => newSession(mail));
    sessions.set(mail, turn);
  }
  return sessions.get(mail);
}

async function newSession(mail) {
  lobby ??= await openWindow();
  await lobby.context().clearCookies();
  const enter = MEMBERS.includes(mail) ? signIn : signInStaff;
  await enter(lobby, textsOf('ja'), mail);
  return lobby.context().storageState();
}

/** Computes the code that an authenticator shows now (RFC 6238) from the secret in base32. */
export function codeOfSecret(secret) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const letters = secret.replace(/[^A-Z2-7]/g, '');
  const fives = Array.from(letters, (c) => alphabet.indexOf(c).toString(2).padStart(5, '0'));
  const bytes = fives.join('').match(/.{8}/g);
  const key = Buffer.from(bytes.map((bits) => parseInt(bits, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(step).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fff_ffff;
  return `${number % 1_000_000}`.padStart(6, '0');
}
