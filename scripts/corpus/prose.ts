// English prose for the corpus: sentences of our own with slots for names, numbers and dates.

import type { Choices } from './random.ts';

const NAMES = [
  'Amara',
  'Bjorn',
  'Chidi',
  'Dolores',
  'Edmund',
  'Farida',
  'Goran',
  'Hinata',
  'Imogen',
  'Jules',
  'Kofi',
  'Leocadia',
  'Mr. Whitcombe',
  'Dr. Okonkwo',
  'Professor Lindqvist',
];
const PLACES = [
  'Lisbon',
  'Osaka',
  'Gothenburg',
  'the north warehouse',
  'Valparaiso',
  'the river delta',
  'our Leeds office',
  'Nairobi',
  'the old observatory',
  'Saskatoon',
];
const THINGS = [
  'the billing report',
  'a rate limit',
  'the token bucket',
  'the onboarding guide',
  'a queue of pending jobs',
  'the quarterly forecast',
  'the migration plan',
  'a shared budget',
  'the incident timeline',
  'the search index',
  'a batch of invoices',
  'the release notes',
];
const SERVICES = [
  'checkout',
  'inventory',
  'the scheduler',
  'the mail gateway',
  'authentication',
  'the image resizer',
  'the ledger',
  'search',
];

const QUESTIONS = [
  'What changed between the two drafts, and which one should we send?',
  'Could you explain in plain words why {service} slowed down after {time}?',
  'Who decided that {thing} would move to {place}?',
  'Is it safe to retry the request, or would that charge the customer twice?',
  'How many seats are left, and do they include the late registrations?',
  'Summarise the conversation below in no more than {small} sentences.',
  'Please rewrite the following paragraph so that a new colleague understands it at first reading.',
  "Translate the customer's complaint into three concrete tasks for the support team.",
  'Which of these arguments is the weakest, and what evidence would strengthen it?',
  'Tell me a short story about a lighthouse keeper who repairs clocks.',
  'Draft a polite reply to {name} that declines the meeting and proposes {day} instead.',
  'Why is the sky darker at high altitude?',
  'Give me the pros and cons of keeping {thing} in memory.',
  'What would you check first if {service} stopped answering?',
];

const SENTENCES = [
  'The governor of a steam engine keeps its speed steady by letting two heavy balls swing outward as the shaft turns faster.',
  'When a call is refused, nothing has been executed, and the announced wait is long enough for the same call to pass.',
  '{name} arrived in {place} on {day} with two suitcases, a broken umbrella and no clear idea of where to sleep.',
  'Most of the delay came from {service}, which waited for a lock that nobody had needed since {year}.',
  'A reservation is made before the work begins and settled once the real cost is known.',
  'We agreed to postpone {thing} until the numbers from {place} have been checked by a second person.',
  'It rained for {small} days, and on the last of them the bridge below the mill gave way.',
  'If you only read one page of the manual, read the one about what happens when the disk is full.',
  'The committee received {number} comments, of which about a third asked for the same small clarification.',
  'Water boils at a lower temperature in the mountains because the air presses on it less.',
  'Her grandfather had kept bees, and she still judged every garden by the sound it made in June.',
  'Prices rose by {small} percent in {month}, mostly because of transport and packaging.',
  'Nobody noticed the mistake at first, since the totals agreed and the columns looked right.',
  'Start the sidecar beside the agent, point its base address at the local port, and leave the application alone.',
  'The report should begin with the conclusion, then give the evidence, and only then describe the method.',
  '{name} suggested a simpler rule: whoever breaks the build brings cake on {day}.',
  'As far as we can tell, {service} recovered without help at {time}, and no messages were lost.',
  'Tides are caused by the difference in the pull of the moon on the near and the far side of the planet.',
  'The second experiment used the same seed, so its results can be compared directly with those of the first.',
  'I would rather wait {small} minutes for a correct answer than receive a wrong one immediately.',
  'Keep the introduction short, avoid jargon, and explain every abbreviation where it appears for the first time.',
  'The old library closes at six, but the porter usually lets regular visitors finish their page.',
  'Under heavy load the queue grows until it reaches its bound, after which the least important work is shed first.',
  'They walked along the canal without speaking, counting the boats and pretending not to be cold.',
  "Between {year} and {year} the town lost half of its bakeries and gained three airports' worth of parking.",
  'Our customer in {place} reports that the invoice for order {number} was sent twice with different totals.',
  'A good error message names the field, says what is wrong with it, and tells the reader what to write instead.',
  'The painting is small, darker than its reproductions, and hung far too high for a child to see.',
  'Before the audit, {name} labelled every cable in the server room and photographed the result.',
  'Compost needs air, moisture and patience; turning the heap once a week provides at least the first.',
  'If the primary fails, the standby takes over within {small} seconds and announces a new epoch.',
  'Remember that the deadline is {day} at {time}, local time in {place}, not ours.',
  'Translation is less a matter of words than of deciding what the author would have said here.',
  'You can pause the job, change its priority and resume it later without losing the finished parts.',
  'The soup wants a little acid at the end: lemon if you have it, vinegar if you do not.',
  'Historians disagree about whether the letter was ever delivered, let alone read.',
  'Every team gets the same share of the budget, except that unused shares may be lent for a day.',
  'On the third attempt the parachute opened, and the probe sent {number} measurements before it sank.',
  'The most common request, by far, was for larger type and fewer notifications.',
  'He could recite the timetable of {year} from memory but had never taken the night train himself.',
  'Measure first; the slow part is almost never the part that looks slow.',
  'She asked {name} whether the figures included {place}, and he had to admit that he did not know.',
  'Because the valve was installed backwards, the pressure dropped whenever somebody opened a window.',
  'Let me know by {day} whether you prefer the shorter version; otherwise I shall print the long one.',
  'The festival returns in {month} with fewer stages, more shade and free water at every gate.',
  'An honest estimate has two numbers in it: the one you expect and the one that would surprise you.',
  'Limits exist so that one runaway loop cannot spend in an hour what was meant to last a month.',
  'The kitten slept through the thunder and woke at the sound of the refrigerator door.',
  'Please confirm that the shipment of {number} units left {place} before the customs office closed.',
  'After lunch the discussion moved from whether to do it to who would have to maintain it.',
  'Glass is neither quite a liquid nor quite a crystal, and it does not flow at room temperature.',
  'Do not delete the old records until the new index has been verified against at least one full week of traffic.',
  'The violinist apologised for the broken string, borrowed another instrument and played the piece again from the beginning.',
  'Support hours are from nine to five on weekdays; urgent incidents are answered around the clock.',
  'In the end the cheapest fix was to ask people to stop pressing the button.',
  'Snow had covered the signs, so the expedition followed the telegraph poles as far as the pass.',
  'The agent retried {small} times in a second, which is exactly what the limit was meant to prevent.',
  'Reading the log from the bottom, you will find that {service} complained long before anything failed.',
  'There is a bench at the top of the hill, and from it you can see both harbours on a clear morning.',
  'We thank {name} for the careful review and for the patience with which {thing} was explained.',
  'Interest is calculated daily on the remaining balance and added to the account on the last day of {month}.',
  'Whether the treaty was a triumph or a postponement depends on which of its signatories you ask.',
  'Please bring comfortable shoes, a bottle of water and a copy of your booking, printed or on your phone.',
  'A lease expires by itself, so a crashed process cannot hold its share of the limit for ever.',
  'The recipe serves {small}, takes about forty minutes, and forgives almost every substitution but margarine.',
  'Try to reproduce the problem with the smallest input you can find, then write that input into a test.',
  'The younger sister kept the orchard, the elder kept the accounts, and neither trusted the other with the ladder.',
  'At {time} the dashboard turned red, and by the time anyone had logged in it was green again.',
  'Electric ferries are quiet enough that the harbour has had to install bells for the anglers.',
  'The appendix lists the assumptions; change one of them and the forecast for {year} moves by a factor of two.',
  'Nothing in the contract forbids it, though {name} would certainly like to be asked first.',
];

const MONTHS = ['January', 'March', 'June', 'August', 'October', 'December'];
const DAYS = ['Monday', 'Tuesday', 'Thursday', 'Friday', 'Saturday'];

function fill(sentence: string, choices: Choices): string {
  const values: Readonly<Record<string, () => string>> = {
    name: () => choices.pick(NAMES),
    place: () => choices.pick(PLACES),
    thing: () => choices.pick(THINGS),
    service: () => choices.pick(SERVICES),
    month: () => choices.pick(MONTHS),
    day: () => choices.pick(DAYS),
    time: () => `${choices.between(1, 12)}:${choices.text('012345', 1)}${choices.text('0123456789', 1)}`,
    year: () => String(choices.between(1870, 2026)),
    small: () => String(choices.between(2, 19)),
    number: () => String(choices.between(100, 9_999)),
  };
  return sentence.replace(/\{(\w+)\}/g, (slot, key: string) => values[key]?.() ?? slot);
}

/** One question or instruction. */
export function proseQuestion(choices: Choices): string {
  return fill(choices.pick(QUESTIONS), choices);
}

/** English text of about `bytes` bytes, in paragraphs, ending with a whole sentence. */
export function prose(bytes: number, choices: Choices): string {
  let text = '';
  while (text.length < bytes) {
    const gap = text === '' ? '' : choices.pick([' ', ' ', ' ', '\n\n']);
    text += gap + fill(choices.pick(SENTENCES), choices);
  }
  return text;
}
