// Every page that a person can reach; what is asked of each is in inspection.js.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { openInspector } from './inspection.js';
import * as people from './people.js';
import { follow, press } from './people.js';
import { addStaff } from './stage.js';

const { ADMINISTRATOR, AUDITOR, DEVELOPER, HANA, SALES, SRE } = people;
const { SUPERVISOR, SUPPORT, TRAVEL_DEVELOPER } = people;

// Reports with the headings that are asked for, and nothing below that can be read.
const HEADINGS = '成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由';
const brokenReport = () => [HEADINGS, `1,yesterday,${randomUUID()},A9SZ16HX,5000,500,承認,`];
const noReport = () => ['1,2'];

const APPLIED = 'tr:has(.badge-good) a';

const PUBLIC = [
  { name: 'the form to sign in', path: '/sign-in' },
  { name: 'a page that asks to sign in', path: '/passbook', status: 401 },
  { name: 'a wrong password', arrive: mistypePassword('/sign-in'), status: 401 },
  { name: 'the shops', path: '/shops' },
  { name: 'the shops of a category', path: '/shops?category=travel' },
  { name: 'a search that finds nothing', path: '/shops?q=zzz' },
  { name: 'a shop', path: '/shops/kirameki' },
  { name: 'a shop with a fixed reward', path: '/shops/sakura' },
  { name: 'an unknown address', path: '/nowhere', status: 404 },
  { name: 'the problems', path: '/problems' },
  { name: 'a problem', path: '/problems/not_found' },
  { name: 'the API', path: '/api' },
  { name: 'an operation of the API', path: '/api/operations/post_holds' },
  { name: 'the demo', path: '/demo' },
  { name: 'the practice network', path: '/sandbox/network' },
  { name: 'the practice networks that are asked', path: '/sandbox/market' },
  { name: 'a practice shop of one', path: '/sandbox/market/awin' },
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
  { name: 'claims', path: '/claims' },
  { name: 'a claim that asks', arrive: followFrom('/claims', 'tr:nth-of-type(2) a') },
  { name: 'a new claim', arrive: followFrom('/clicks', 'a[href*="/claims/new"]') },
  { name: 'a claim with mistakes', arrive: mistypeClaim, status: 422 },
  { name: 'campaigns', path: '/campaigns' },
  { name: 'a campaign', arrive: followFrom('/campaigns', '.tile a') },
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
  { name: 'an unknown address', path: '/staff/nowhere', who: SALES, status: 404 },
  { name: 'a forbidden page', path: '/staff/keys', who: SALES, status: 403 },
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
    await window.locator('[role=alert]').waitFor();
  };
}

function followFrom(path, selector) {
  return async (window) => {
    await window.goto(path);
    await window.locator(selector).first().click();
  };
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

/** Sends a form as a browser does that checks nothing. */
async function sendUnchecked(window, button) {
  const forms = window.locator('form');
  await forms.evaluateAll((all) => all.forEach((form) => (form.noValidate = true)));
  await window.getByRole('button', { name: button, exact: true }).click();
  await window.locator('[role=alert]').first().waitFor();
}

async function enterPassword(window, texts) {
  await window.goto('/staff/sign-in');
  await people.enterPassword(window, texts, AUDITOR);
  await window.waitForURL(/\/code/);
}

async function mistypeCode(window, texts) {
  await enterPassword(window, texts);
  await people.enterCode(window, texts, '000000');
  await window.locator('[role=alert]').waitFor();
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
  await window.locator('[role=alert]').waitFor();
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
