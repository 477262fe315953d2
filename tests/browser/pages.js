// Every page that a person can reach; what is asked of each is in inspection.js.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { openInspector } from './inspection.js';
import * as people from './people.js';
import { follow, press } from './people.js';
import { addStaff } from './stage.js';

const { ACCOUNTANT, ADMINISTRATOR, AUDITOR, DEVELOPER, HANA, SALES, SRE } = people;
const { SUPERVISOR, SUPPORT, TRAVEL_DEVELOPER } = people;

// Reports with the headings that are asked for, and nothing below that can be read.
const HEADINGS = '成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由';
const brokenReport = () => [HEADINGS, `1,yesterday,${randomUUID()},A9SZ16HX,5000,500,承認,`];
const noReport = () => ['1,2'];

const APPLIED = 'tr:has(.badge-good) a';
const REVIEWED = 'tbody th a';

const PUBLIC = [
  { name: 'the form to sign in', path: '/sign-in' },
  { name: 'a page that asks to sign in', path: '/passbook', status: 401 },
  { name: 'a wrong password', arrive: mistypePassword('/sign-in'), status: 401 },
  { name: 'signing up', path: '/sign-up' },
  { name: 'signing up with mistakes', arrive: mistypeSignUp, status: 422 },
  { name: 'the code of a letter', arrive: askCode },
  { name: 'a wrong code of a letter', arrive: mistypeLetterCode, status: 422 },
  { name: 'a lost password', path: '/password' },
  { name: 'a link that is over', path: '/sign-up/link?k=x', status: 410 },
  { name: 'a membership that ends', path: '/left' },
  { name: 'the letters of the demo', path: '/sandbox/mail' },
  { name: 'the shops', path: '/shops' },
  { name: 'the shops of a category', path: '/shops?category=travel' },
  { name: 'a search that finds nothing', path: '/shops?q=zzz' },
  { name: 'the shops that are followed most', path: '/shops?sort=popular' },
  { name: 'a shop', path: '/shops/kirameki' },
  { name: 'a shop with rewards by item', path: '/shops/hikari' },
  { name: 'a shop that gives more for some days', path: '/shops/midori' },
  { name: 'a shop with a fixed reward', path: '/shops/sakura' },
  { name: 'a link of a friend', path: '/invite/fhanahana2345' },
  { name: 'a link of nobody', path: '/invite/nobody', status: 404 },
  { name: 'an unknown address', path: '/nowhere', status: 404 },
  { name: 'the problems', path: '/problems' },
  { name: 'a problem', path: '/problems/not_found' },
  { name: 'the API', path: '/api' },
  { name: 'an operation of the API', path: '/api/operations/post_holds' },
  { name: 'the demo', path: '/demo' },
  { name: 'the terms', path: '/demo/terms' },
  { name: 'the privacy policy', path: '/demo/privacy' },
  { name: 'the practice network', path: '/sandbox/network' },
  { name: 'the practice networks that are asked', path: '/sandbox/market' },
  { name: 'a practice shop of one', path: '/sandbox/market/awin' },
  { name: 'the practice partner', path: '/sandbox/partner' },
  { name: 'the practice short messages', path: '/sandbox/sms' },
  { name: 'a practice shop', path: '/sandbox/shop/yomu?ref=A9SZ16HX' },
];

const OF_MEMBERS = [
  { name: 'home', path: '/' },
  { name: 'the passbook', path: '/passbook' },
  { name: 'older lines', arrive: followFrom('/passbook', '.pager a') },
  { name: 'what is pending', path: '/passbook?show=pending' },
  { name: 'what expires', path: '/passbook?show=expiry' },
  { name: 'the story of points pending', arrive: openLine('.badge-wait') },
  { name: 'the story of points earned', arrive: openLine('.figure-plus') },
  { name: 'the story of points declined', arrive: openLine('.badge-bad') },
  { name: 'the story of points spent or expired', arrive: openLine('.figure-minus') },
  { name: 'the clicks', path: '/clicks' },
  { name: 'favourites', path: '/favourites' },
  { name: 'a rank', path: '/rank' },
  { name: 'friends who were invited', path: '/invite' },
  { name: 'a shop that is kept', path: '/shops/midori' },
  { name: 'claims', path: '/claims' },
  { name: 'a claim that asks', arrive: followFrom('/claims', 'tr:nth-of-type(2) a') },
  { name: 'a new claim', arrive: followFrom('/clicks', 'a[href*="/claims/new"]') },
  { name: 'a claim with mistakes', arrive: mistypeClaim, status: 422 },
  { name: 'campaigns', path: '/campaigns' },
  { name: 'a campaign', arrive: followFrom('/campaigns', '.tile a') },
  { name: 'what points can be exchanged for', path: '/exchange' },
  { name: 'an exchange to a bank account', path: '/exchange/to/bank' },
  { name: 'an exchange for a gift code', path: '/exchange/to/hoshi-gift' },
  { name: 'an exchange of too few points', arrive: askQuote('100'), status: 422 },
  { name: 'an exchange to be confirmed', arrive: askQuote('500') },
  { name: 'an exchange that asks for a code', arrive: askQuote('4000', 'exchange-accept') },
  { name: 'the exchanges', path: '/exchange/history' },
  { name: 'an exchange done', arrive: followFrom('/exchange/history', 'tr:has(.badge-good) a') },
  { name: 'the bank account', path: '/exchange/account' },
  { name: 'a bank account that cannot be', arrive: mistypeAccount, status: 422 },
  { name: 'settings', path: '/settings' },
  { name: 'the telephone number', path: '/settings/phone' },
  { name: 'settings that were saved', path: '/settings?done=preferences' },
  { name: 'another mail address', path: '/settings/mail' },
  { name: 'another password', path: '/settings/password' },
  { name: 'another password that is too short', arrive: mistypeNewPassword, status: 422 },
  { name: 'what is kept about oneself', path: '/settings/data' },
  { name: 'leaving', path: '/settings/leave' },
  { name: 'thanks for an order', arrive: order },
  { name: 'an unknown address', path: '/nowhere', status: 404 },
  { name: 'the way out', path: '/sign-out' },
  { name: 'a page for staff', path: '/staff/keys', status: 401 },
].map((page) => ({ ...page, who: HANA }));

const OF_STAFF = [
  { name: 'the form to sign in', path: '/staff/sign-in' },
  { name: 'a wrong password', arrive: mistypePassword('/staff/sign-in'), status: 401 },
  { name: 'the second step', arrive: enterPassword },
  { name: 'a wrong code', arrive: mistypeCode, status: 401 },
  { name: 'setting up an authenticator', arrive: beginEnrolment },
  { name: 'an authenticator set up with a wrong code', arrive: mistypeEnrolment, status: 401 },
  { name: 'recovery codes', arrive: enrol },
  { name: 'the way out', path: '/staff/sign-out', who: SALES },
  ...[SALES, SRE, ADMINISTRATOR, DEVELOPER].map((who) => ({ name: 'home', path: '/staff', who })),
  { name: 'shops', path: '/staff/shops', who: SALES },
  { name: 'no shops', path: '/staff/shops?q=zzz', who: SALES },
  { name: 'a shop', path: '/staff/shops/sakura', who: SALES },
  { name: 'a shop to read', path: '/staff/shops/sakura', who: AUDITOR },
  { name: 'a new shop', path: '/staff/shops/new', who: SALES },
  { name: 'an offer', arrive: followFrom('/staff/shops/sakura', '.ledger a'), who: SALES },
  { name: 'a new version', arrive: followFrom('/staff/shops/hikari', '.row .button'), who: SALES },
  { name: 'a preview', path: '/staff/shops/hikari/preview', who: SALES },
  { name: 'a preview of no moment', path: '/staff/shops/hikari/preview?at=x', who: SALES, status: 422 },
  { name: 'reports', path: '/staff/reports', who: SALES },
  { name: 'a report applied', arrive: followFrom('/staff/reports', APPLIED), who: SALES },
  { name: 'a report with errors', arrive: upload(brokenReport), who: SALES },
  { name: 'a report known already', arrive: uploadTwice, who: SALES },
  { name: 'a report without headings', arrive: upload(noReport), who: SALES, status: 422 },
  { name: 'a report without a file', arrive: uploadNothing, who: SALES, status: 422 },
  { name: 'claims', path: '/staff/claims', who: SUPPORT },
  { name: 'no claims of a state', path: '/staff/claims?state=withdrawn', who: SUPPORT },
  { name: 'a claim', arrive: followFrom('/staff/claims', 'tbody a'), who: SUPPORT },
  { name: 'a claim to approve', arrive: openProposed, who: SUPERVISOR },
  { name: 'a proposal without a reason', arrive: proposeNothing, who: SUPPORT, status: 422 },
  { name: 'campaigns', path: '/staff/campaigns', who: SALES },
  { name: 'a campaign', arrive: followFrom('/staff/campaigns', 'tbody a'), who: SALES },
  { name: 'a campaign tried out', arrive: tryCampaign, who: SALES },
  { name: 'a new campaign', path: '/staff/campaigns/new', who: SALES },
  { name: 'a campaign with mistakes', arrive: mistypeCampaign, who: SALES, status: 422 },
  { name: 'accounts with networks', path: '/staff/networks/accounts', who: SALES },
  { name: 'an account', path: '/staff/networks/accounts/awin/main', who: SALES },
  { name: 'an account that is only asked', path: '/staff/networks/accounts/cj/main', who: SALES },
  { name: 'an account with a wrong name', arrive: addAccount('Ａ'), who: SALES, status: 422 },
  { name: 'an account with a wrong address', arrive: editAccount, who: SALES, status: 422 },
  { name: 'conversions to review', path: '/staff/conversions', who: SUPERVISOR },
  {
    name: 'conversions of one reason',
    path: '/staff/conversions?reason=click_unknown',
    who: SUPERVISOR,
  },
  { name: 'no conversions of a reason', path: '/staff/conversions?reason=item_differs', who: SALES },
  { name: 'a conversion', arrive: followFrom('/staff/conversions', REVIEWED), who: SUPERVISOR },
  { name: 'a wrong decision', arrive: decideNothing, who: SUPERVISOR, status: 422 },
  { name: 'proposals', path: '/staff/decisions', who: SUPERVISOR },
  { name: 'undoing a report', arrive: openUndo, who: SALES },
  { name: 'how networks do', path: '/staff/networks', who: SALES },
  { name: 'an unknown address', path: '/staff/nowhere', who: SALES, status: 404 },
  { name: 'a forbidden page', path: '/staff/keys', who: SALES, status: 403 },
  { name: 'payouts', path: '/staff/payouts', who: ACCOUNTANT },
  { name: 'a payout', arrive: followFrom('/staff/payouts', 'table a'), who: ACCOUNTANT },
  { name: 'gift codes', path: '/staff/gift-codes', who: ACCOUNTANT },
  { name: 'destinations', path: '/staff/destinations', who: ACCOUNTANT },
  { name: 'destinations to approve', path: '/staff/destinations', who: SUPERVISOR },
  { name: 'a destination', path: '/staff/destinations/tabi-points', who: ACCOUNTANT },
  { name: 'a destination to read', path: '/staff/destinations/bank', who: AUDITOR },
  { name: 'a destination tried out', arrive: tryDestination, who: ACCOUNTANT },
  { name: 'a destination with mistakes', arrive: mistypeDestination, who: ACCOUNTANT, status: 422 },
  { name: 'a new destination', path: '/staff/destinations/new', who: ACCOUNTANT },
  { name: 'a limit group', path: '/staff/limit-groups/general', who: ACCOUNTANT },
  { name: 'a new limit group', path: '/staff/limit-groups/new', who: ACCOUNTANT },
  { name: 'exchanges', path: '/staff/exchanges', who: ACCOUNTANT },
  { name: 'an exchange', arrive: followFrom('/staff/exchanges', 'table a'), who: ACCOUNTANT },
  { name: 'exchanges that nobody finds', path: '/staff/exchanges?q=none', who: ACCOUNTANT },
  { name: 'held referrals', path: '/staff/referrals', who: SUPERVISOR },
  { name: 'a held referral', arrive: followFrom('/staff/referrals', 'tbody a'), who: SUPERVISOR },
  { name: 'a referral to approve', arrive: followFrom('/staff/referrals', 'tbody a'), who: ACCOUNTANT },
  { name: 'a proposal about a referral without a reason', arrive: proposeReferral, who: SUPERVISOR, status: 422 },
  { name: 'ranks', path: '/staff/ranks', who: SALES },
  { name: 'ranks to approve', path: '/staff/ranks', who: ACCOUNTANT },
  { name: 'new ranks', path: '/staff/ranks/new', who: SALES },
  { name: 'ranks with mistakes', arrive: mistypeRanks, who: SALES, status: 422 },
  { name: 'terms of referrals', path: '/staff/referrals/terms', who: SALES },
  { name: 'terms of referrals to approve', path: '/staff/referrals/terms', who: ACCOUNTANT },
  { name: 'new terms of referrals', path: '/staff/referrals/terms/new', who: SALES },
  { name: 'terms of referrals with mistakes', arrive: mistypeTerms, who: SALES, status: 422 },
  { name: 'reconciliation', path: '/staff/reconciliation', who: ACCOUNTANT },
  { name: 'ended differences', path: '/staff/reconciliation?show=ended', who: AUDITOR },
  { name: 'a difference', arrive: followFrom('/staff/reconciliation', 'tbody a'), who: ACCOUNTANT },
  {
    name: 'a statement',
    arrive: followFrom('/staff/reconciliation', "a[href*='/statements/']"),
    who: AUDITOR,
  },
  { name: 'fraud cases', path: '/staff/fraud', who: SUPERVISOR },
  { name: 'no fraud cases of a rule', path: '/staff/fraud?rule=phone_changed', who: SUPPORT },
  { name: 'closed fraud cases', path: '/staff/fraud?show=closed', who: AUDITOR },
  { name: 'an overdue case', arrive: followFrom('/staff/fraud', 'tbody a'), who: SUPERVISOR },
  { name: 'a case to read', arrive: followFrom('/staff/fraud', 'tbody tr:last-child a'), who: SUPPORT },
  { name: 'a case handed to nobody', arrive: handToNobody, who: SUPERVISOR, status: 422 },
  { name: 'fraud rules', path: '/staff/fraud/rules', who: SUPERVISOR },
  { name: 'a rule with a change', path: '/staff/fraud/rules/bank_changed', who: SUPERVISOR },
  { name: 'a rule to read', path: '/staff/fraud/rules/amount_large', who: AUDITOR },
  { name: 'a new rule', path: '/staff/fraud/rules/new', who: SUPERVISOR },
  { name: 'a rule with mistakes', arrive: mistypeRule, who: SUPERVISOR, status: 422 },
  { name: 'how it is running', path: '/staff/ops', who: SRE },
  { name: 'how it is running', path: '/staff/ops', who: ADMINISTRATOR },
  { name: 'the keys', path: '/staff/keys', who: DEVELOPER },
  { name: 'no keys yet', path: '/staff/keys', who: TRAVEL_DEVELOPER },
  { name: 'a key without rights', arrive: createKey([]), who: ADMINISTRATOR, status: 422 },
  { name: 'a new key', arrive: createKey(['company.read']), who: ADMINISTRATOR },
];

/** Declares a test for each page, in one language. */
export function everyPage(language) {
  let inspector;
  before(async () => (inspector = await openInspector(language)));
  after(() => inspector?.close());

  const groups = { public: PUBLIC, members: OF_MEMBERS, staff: OF_STAFF };
  for (const [group, pages] of Object.entries(groups)) {
    for (const page of pages) {
      const who = page.who ? ` (${page.who})` : '';
      test(`${group}: ${page.name}${who}`, async () => {
        assert.deepEqual(await inspector.inspect(page), []);
      });
    }
  }
}

function mistypePassword(path) {
  return async (window, texts) => {
    await window.goto(path);
    await people.enterPassword(window, texts, 'nobody@example.jp');
    await window.locator('[role=alert]:visible').waitFor();
  };
}

/** Asks what so many points give, and goes on by the button of that name. */
function askQuote(points, button) {
  return async (page, texts) => {
    await page.goto('/exchange/to/bank');
    await page.getByLabel(texts('exchange-points-field')).fill(points);
    await press(page, texts('exchange-quote-button'));
    if (button) await press(page, texts(button));
  };
}

async function mistypeAccount(page, texts) {
  await page.goto('/exchange/account');
  await page.getByLabel(texts('payee-bank')).fill('12');
  await page.getByLabel(texts('payee-branch')).fill('001');
  await page.getByLabel(texts('payee-number')).first().fill('1234567');
  await page.getByLabel(texts('payee-name')).first().fill('山田');
  await press(page, texts('payee-save'));
}

function followFrom(path, selector) {
  return async (window) => {
    await window.goto(path);
    await window.locator(selector).first().click();
  };
}

/** Sends a decision without the reason that it needs. */
async function decideNothing(window, texts) {
  await window.goto('/staff/conversions');
  await window.locator(REVIEWED).first().click();
  await window.locator('select[name=action]').selectOption('reject');
  await press(window, texts('decision-send'));
  await window.locator('[aria-invalid=true]').first().waitFor();
}

async function openUndo(window, texts) {
  await window.goto('/staff/reports');
  await window.locator(APPLIED).first().click();
  await follow(window, texts('undo-title'));
  await press(window, texts('undo-try'));
  await window.locator('.badge').first().waitFor();
}

/** Opens the first line of the passbook that has something about it. */
function openLine(mark) {
  return async (window) => {
    await window.goto('/passbook');
    const lines = window.locator('.book-line', { has: window.locator(mark) });
    await lines.first().click();
    await window.waitForURL(/\/passbook\/\d+$/);
  };
}

async function order(window, texts) {
  await window.goto('/shops/yomu');
  await follow(window, texts('offer-go'));
  await press(window, texts('sandbox-buy'));
  await window.locator('.notice-good').waitFor();
}

async function mistypeClaim(window, texts) {
  await window.goto('/clicks');
  await window.locator('a[href*="/claims/new"]').first().click();
  await sendUnchecked(window, texts('claim-send'));
}

async function openProposed(window) {
  await window.goto('/staff/claims?state=proposed');
  await window.locator('tbody a').first().click();
}

async function proposeNothing(window, texts) {
  await window.goto('/staff/claims');
  await window.locator('tbody a').first().click();
  await sendUnchecked(window, texts('claim-propose'));
}

async function tryCampaign(window, texts) {
  await window.goto('/staff/campaigns');
  await window.locator('tbody a').first().click();
  await follow(window, texts('campaign-simulate'));
  await window.waitForURL(/simulate=1$/);
}

async function mistypeCampaign(window, texts) {
  await window.goto('/staff/campaigns/new');
  await sendUnchecked(window, texts('campaign-save'));
}

async function proposeReferral(window, texts) {
  await window.goto('/staff/referrals');
  await window.locator('tbody a').first().click();
  await sendUnchecked(window, texts('held-propose'));
}

async function mistypeTerms(window, texts) {
  await window.goto('/staff/referrals/terms/new');
  await window.getByLabel(texts('referral-field-inviter')).fill('x');
  await sendUnchecked(window, texts('held-propose'));
}

async function mistypeRanks(window, texts) {
  await window.goto('/staff/ranks/new');
  await window.getByLabel(texts('ranks-field-bonus')).first().fill('x');
  await sendUnchecked(window, texts('held-propose'));
}

async function tryDestination(window, texts) {
  await window.goto('/staff/destinations/bank');
  await press(window, texts('destination-preview-show'));
  await window.getByText(texts('destination-preview')).waitFor();
}

async function mistypeDestination(window, texts) {
  await window.goto('/staff/destinations/bank');
  await window.getByLabel(texts('destination-field-fee')).fill('x');
  await sendUnchecked(window, texts('destination-propose'));
}

async function mistypeRule(window, texts) {
  await window.goto('/staff/fraud/rules/new');
  await sendUnchecked(window, texts('fraud-propose'));
}

/** Hands the case that is due last over to somebody who is not there. */
async function handToNobody(window, texts) {
  await window.goto('/staff/fraud');
  await window.locator('tbody tr:last-child a').first().click();
  await window.getByLabel(texts('fraud-colleague')).fill('nobody@daifuku.example');
  await sendUnchecked(window, texts('fraud-hand-over'));
}

/** Sends a form as a browser does that checks nothing. */
async function sendUnchecked(window, button) {
  const forms = window.locator('form');
  await forms.evaluateAll((all) => all.forEach((form) => (form.noValidate = true)));
  await window.getByRole('button', { name: button, exact: true }).click();
  await window.locator('[role=alert]:visible').first().waitFor();
}

async function enterPassword(window, texts) {
  await window.goto('/staff/sign-in');
  await people.enterPassword(window, texts, AUDITOR);
  await window.waitForURL(/\/code/);
}

async function mistypeCode(window, texts) {
  await enterPassword(window, texts);
  await people.enterCode(window, texts, '000000');
  await window.locator('[role=alert]:visible').waitFor();
}

async function beginEnrolment(window, texts) {
  const mail = `${randomUUID()}@daifuku.example`;
  const password = await addStaff(mail, 'sre');
  await window.goto('/staff/sign-in');
  await people.enterPassword(window, texts, mail, password);
  await window.waitForURL(/\/enrolment/);
}

async function mistypeEnrolment(window, texts) {
  await beginEnrolment(window, texts);
  await people.enterCode(window, texts, '000000', 'sign-in-enrolment-send');
  await window.locator('[role=alert]:visible').waitFor();
}

async function enrol(window, texts) {
  await beginEnrolment(window, texts);
  const code = people.codeOfSecret(await window.locator('main code').innerText());
  await people.enterCode(window, texts, code, 'sign-in-enrolment-send');
  await window.getByRole('heading', { name: texts('sign-in-recovery-title') }).waitFor();
}

function upload(linesOf) {
  return async (window, texts) => {
    await uploadLines(window, texts, linesOf());
  };
}

async function uploadTwice(window, texts) {
  const lines = brokenReport();
  await uploadLines(window, texts, lines);
  await uploadLines(window, texts, lines);
  await window.waitForURL(/again=1$/);
}

async function uploadLines(window, texts, lines) {
  await window.goto('/staff/reports');
  const buffer = Buffer.from(lines.join('\r\n'));
  const field = window.getByLabel(texts('report-choose'), { exact: true });
  await field.setInputFiles({ name: 'report.csv', mimeType: 'text/csv', buffer });
  await window.getByLabel(texts('report-network')).selectOption('accesstrade/main');
  await press(window, texts('report-check'));
  await window.locator('.notice').first().waitFor();
}

/** Sends the form as a browser does that does not insist on a file. */
async function uploadNothing(window, texts) {
  await window.goto('/staff/reports');
  await window.locator('form').evaluate((form) => (form.noValidate = true));
  await press(window, texts('report-check'));
  await window.locator('.notice').waitFor();
}

function addAccount(account) {
  return async (window, texts) => {
    await window.goto('/staff/networks/accounts');
    await window.getByLabel(texts('network-account-account')).fill(account);
    await press(window, texts('network-account-add'));
    await window.locator('[aria-invalid]').waitFor();
  };
}

async function editAccount(window, texts) {
  await window.goto('/staff/networks/accounts/awin/main');
  await window.getByLabel(texts('network-account-base')).fill('ftp://nowhere');
  await press(window, texts('network-account-save'));
  await window.locator('[aria-invalid]').waitFor();
}

function createKey(needs) {
  return async (window, texts) => {
    await window.goto('/staff/keys');
    await window.getByLabel(texts('keys-label')).fill('till');
    for (const need of needs) await window.locator(`[name=need][value="${need}"]`).check();
    await press(window, texts('keys-create'));
    await window.locator('.notice').first().waitFor();
  };
}

async function mistypeSignUp(page, texts) {
  await page.goto('/sign-up');
  // The browser would not send it.
  await page.locator('main form').evaluate((form) => (form.noValidate = true));
  await press(page, texts('sign-up-send'));
}

async function askCode(page, texts) {
  await page.goto('/sign-up');
  await page.getByLabel(texts('sign-in-mail')).fill(`new-${randomUUID()}@example.jp`);
  await page.getByLabel(texts('sign-up-terms')).check();
  await press(page, texts('sign-up-send'));
}

async function mistypeLetterCode(page, texts) {
  await askCode(page, texts);
  await page.getByLabel(texts('mail-proof-code')).fill('1');
  await press(page, texts('mail-proof-code-send'));
}

async function mistypeNewPassword(page, texts) {
  await page.goto('/settings/password');
  await page.getByLabel(texts('password-now')).fill('x');
  await page.getByLabel(texts('new-password')).fill('short');
  await press(page, texts('change-password-send'));
}
