// A member's whole way on a phone: sign up, go out to a shop, buy, see the points announced, get them
// when the advertiser approves and the accountant applies the network's file, exchange them for a
// gift code, and leave.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import {
  ACCOUNTANT,
  HANA,
  SALES,
  SECRET,
  enterPassword,
  follow,
  press,
  sessionOf,
  signUp,
} from './people.js';
import { PHONE, windowFor } from './stage.js';
import { textsOf } from './texts.js';

// It gives 8 per cent for some days; the practice network pays 10 per cent all the while.
const SHOP = 'みどり食品';
const PRICE = 10_000;
const POINTS = 800;
const REWARD = 1_000;

// A gift code that is there at once.
const GIFT = { code: 'hoshi-gift', takes: 490 };

// Jobs that the clock starts run every few seconds.
const JOBS_S = 30;

const VARIANTS = [
  { language: 'ja', javaScriptEnabled: true, clerk: ACCOUNTANT },
  { language: 'ja', javaScriptEnabled: false, clerk: ACCOUNTANT },
  { language: 'en', javaScriptEnabled: true, clerk: SALES },
  { language: 'en', javaScriptEnabled: false, clerk: SALES },
];

/** Declares the story in both languages, with and without JavaScript. */
export function memberStories() {
  for (const variant of VARIANTS) {
    const { language, javaScriptEnabled } = variant;
    const name = `in ${language}, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`;
    test(name, (run) => goTheWholeWay(run, variant));
  }

  test('and finds the way out', async (run) => {
    const member = await windowFor(run, { storageState: await sessionOf(HANA) });
    await member.goto('/');
    assert((await member.locator('a[href="/sign-out"]').count()) > 0);
  });
}

async function goTheWholeWay(run, { language, javaScriptEnabled, clerk }) {
  const texts = textsOf(language);
  const options = { language, javaScriptEnabled, viewport: PHONE };

  const member = await windowFor(run, options);
  const mail = await signUp(member, texts);

  const reference = await goOutToShop(member, texts);
  const order = await buy(member, texts);
  await seePointsAnnounced(member, texts);
  await findClick(member, texts, reference);

  const office = await windowFor(run, { ...options, storageState: await sessionOf(clerk) });
  const file = await approve(office, texts, order);
  await applyFile(office, texts, file);

  const story = await seePointsGranted(member, texts);
  await readStory(member, texts, story);
  await exchangeForGift(member, texts);
  await leave(member, texts);
  await findTheWayBack(member, texts, mail);
}

/** Reads what the member can use and what is announced, from the card on the home page. */
async function readFigures(member, texts) {
  await member.goto('/');
  const card = member.locator('.book-card');
  const pending = card.locator('.pairs > div', { hasText: texts('wallet-expected') });
  return {
    usable: numberIn(await card.locator('.figure-total').innerText()),
    pending: numberIn(await pending.locator('.figure').innerText()),
  };
}

const numberIn = (text) => Number(text.replace(/[^\d−-]/g, '').replace('−', '-'));

/** Finds the shop by its name and goes on to it; gives the reference that the shop is told. */
async function goOutToShop(member, texts) {
  await follow(member, texts('member-nav-shops'));
  await member.getByLabel(texts('shops-search')).fill('みどり');
  await press(member, texts('shops-search-button'));
  await follow(member, SHOP);
  assert.equal(await member.locator('.figure-total').innerText(), '8%');
  await follow(member, texts('offer-go'));
  await member.waitForURL(/\/sandbox\/shop\/midori\?ref=/);
  return new URL(member.url()).searchParams.get('ref');
}

/** Orders in the practice shop and gives the order's number. */
async function buy(member, texts) {
  await member.getByLabel(texts('sandbox-price')).fill(`${PRICE}`);
  await press(member, texts('sandbox-buy'));
  const thanks = await member.locator('.notice-good').innerText();
  assert(thanks.includes(texts('sandbox-sent')), thanks);
  return thanks.match(/R-\d+/)[0];
}

async function seePointsAnnounced(member, texts) {
  const expected = { usable: 0, pending: POINTS };
  await eventually(expected, () => readFigures(member, texts));
  assert.deepEqual(await readTopLine(member, texts), {
    title: SHOP,
    badge: texts('wallet-badge-waiting'),
    change: `${POINTS}`,
    balance: null,
  });
}

/** Reads the newest line of the passbook. */
async function readTopLine(member, texts) {
  await follow(member, texts('member-nav-passbook'));
  const line = member.locator('.book-line').first();
  const balance = line.locator('.book-balance .figure');
  const badge = line.locator('.badge');
  return {
    title: await line.locator('.book-title').innerText(),
    badge: (await badge.count()) ? await badge.innerText() : null,
    change: await line.locator('.book-change .figure').innerText(),
    balance: (await balance.count()) ? numberIn(await balance.innerText()) : null,
  };
}

async function findClick(member, texts, reference) {
  await follow(member, texts('member-nav-clicks'));
  const row = member.locator('tbody tr').first();
  const cell = (key) => row.locator(`[data-label="${texts(key)}"]`).innerText();
  assert.equal(await cell('click-shop'), SHOP);
  assert.equal(await cell('click-state'), texts('state-tracked'));
  assert.equal(numberIn(await cell('click-points')), POINTS);
  assert.equal(await cell('click-number'), reference.slice(-8));
}

/** Approves the order as its advertiser, and downloads the network's file of the month. */
async function approve(advertiser, texts, order) {
  await advertiser.goto('/sandbox/network');
  const card = advertiser.getByRole('article').filter({ hasText: order });
  assert.equal(await card.locator('.badge').innerText(), texts('sandbox-status-occurred'));
  await card.getByRole('button', { name: texts('sandbox-approve'), exact: true }).click();
  const badge = card.locator('.badge', { hasText: texts('sandbox-status-approved') });
  await badge.waitFor();

  const download = advertiser.waitForEvent('download');
  await follow(advertiser, texts('sandbox-csv'));
  const file = await (await download).path();
  const text = new TextDecoder('shift_jis').decode(await readFile(file));
  const row = text.split('\r\n').find((line) => line.includes(order));
  assert.match(row, new RegExp(`,${PRICE},${REWARD},承認,`));
  return file;
}

/** Tries the file out and applies it; both tell of one approval and its points. */
async function applyFile(staff, texts, file) {
  await staff.goto('/staff');
  await follow(staff.locator('table'), texts('staff-page-reports'));
  const name = `accesstrade-monthly-${Date.now()}.csv`;
  const buffer = await readFile(file);
  const field = staff.getByLabel(texts('report-choose'), { exact: true });
  await field.setInputFiles({ name, mimeType: 'text/csv', buffer });
  await staff.getByLabel(texts('report-network')).selectOption('accesstrade/main');
  await press(staff, texts('report-check'));
  await staff.getByRole('heading', { name, exact: true }).waitFor();
  const approval = { rows: 1, points: POINTS };
  assert.deepEqual(await readApprovals(staff, texts, 'report-checked'), approval);

  await staff.locator('main form button').click();
  await eventually(approval, async () => {
    await staff.reload();
    return readApprovals(staff, texts, 'report-applied');
  });
  assert.equal(await staff.locator('main > p .badge').innerText(), texts('report-state-done'));
}

/** Reads how many rows of a table are approvals as announced, and what they give. */
async function readApprovals(staff, texts, caption) {
  const table = staff.locator('table', { hasText: texts(caption) });
  const row = table.locator('tr', { hasText: texts('outcome-approved') });
  if (!(await row.count())) return null;
  const [rows, points] = await row.locator('td').allInnerTexts();
  return { rows: numberIn(rows), points: numberIn(points) };
}

/** Sees the points turn into the member's; gives the line that says so. */
async function seePointsGranted(member, texts) {
  const expected = { usable: POINTS, pending: 0 };
  await eventually(expected, () => readFigures(member, texts));
  assert.deepEqual(await readTopLine(member, texts), {
    title: SHOP,
    badge: texts('wallet-badge-valid'),
    change: `+${POINTS}`,
    balance: POINTS,
  });
  return member.locator('.book-line').first();
}

/** Opens a line of the passbook and reads how the points came about. */
async function readStory(member, texts, line) {
  await line.click();
  await member.waitForURL(/\/passbook\/\d+$/);
  assert.equal(await member.getByRole('heading', { level: 1 }).innerText(), SHOP);
  const steps = await member.locator('.story-head > span:first-child').allTextContents();
  const done = (step) => `${texts('step-done')}: ${texts(`wallet-step-${step}`)}`;
  assert.deepEqual(steps, ['clicked', 'recorded', 'valid'].map(done));
  const label = texts('wallet-balance-after');
  const balance = member.locator('.pairs > div', { hasText: label }).locator('dd');
  assert.equal(numberIn(await balance.innerText()), POINTS);
}

/** Exchanges points for a gift code, sees the code, and the points gone. */
async function exchangeForGift(member, texts) {
  await follow(member, texts('member-nav-exchange'));
  await member.locator(`a[href="/exchange/to/${GIFT.code}"]`).click();
  await member.locator(`button[name="points"][value="${GIFT.takes}"]`).click();
  await press(member, texts('exchange-accept'));
  const done = member.locator('.badge', { hasText: texts('exchange-state-completed') });
  await eventually(true, async () => {
    await member.reload();
    return (await done.count()) > 0;
  });
  await press(member, texts('exchange-reveal'));
  assert.match(await member.locator('.figure-total').innerText(), /^HOSHI-0500-\d{4}$/);
  const left = POINTS - GIFT.takes;
  assert.deepEqual(await readFigures(member, texts), { usable: left, pending: 0 });
  const line = await readTopLine(member, texts);
  assert.equal(numberIn(line.change), -GIFT.takes);
  assert.equal(line.balance, left);
}

async function leave(member, texts) {
  await member.goto('/settings');
  await follow(member, texts('leave-go'));
  await member.getByLabel(texts('leave-sure')).check();
  await member.getByLabel(texts('password-now')).fill(SECRET);
  await press(member, texts('leave-send'));
  await member.waitForURL('/left');
  const answer = await member.goto('/passbook');
  assert.equal(answer.status(), 401);
}

/** Signs in again in time, which takes the leaving back; nothing was lost. */
async function findTheWayBack(member, texts, mail) {
  await member.goto('/sign-in');
  await enterPassword(member, texts, mail, SECRET);
  await member.waitForURL((url) => url.pathname !== '/sign-in');
  assert.deepEqual(await readFigures(member, texts), { usable: POINTS - GIFT.takes, pending: 0 });
}

/** Looks again and again until it sees what is expected; fails with what it saw last. */
async function eventually(expected, look) {
  for (const end = Date.now() + JOBS_S * 1_000; ; await pause(1_000)) {
    const seen = await look();
    try {
      return assert.deepEqual(seen, expected);
    } catch (difference) {
      if (Date.now() > end) throw difference;
    }
  }
}
