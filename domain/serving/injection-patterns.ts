/**
 * Phrases that order a model to leave its task, by the families of the attack suite
 * (jobs/tuneline_jobs/suites/attacks/families.py) and based on OWASP's LLM01. They match text in lower case. All gaps
 * are bounded, so that the matching time grows only linearly with the text.
 */
const orders = '(?:instructions?|prompts?|rules|guidelines|orders?|policy|policies|restrictions)';
const secret = `(?:access codes?|passwords?|passphrases?|secrets?|credentials|api keys?|system prompt|${orders})`;
const tell =
  '(?:reveal|print|repeat|show|spell|write|output|dump|translate|summari[sz]e|recite|leak|disclose|tell me|give me)';
const goal = '(?:write|print|say|reply|respond|answer|output|do|follow|obey|carry out|execute|repeat)';

export const injectionPatterns = {
  override: [
    `\\b(?:ignore|disregard|forget|override|bypass|drop)\\b.{0,30}\\b(?:previous|prior|above|earlier|preceding|all|your|every|these|those)\\b.{0,30}\\b(?:${orders}|task|below|told)\\b`,
    `\\b(?:disregard|forget|ignore)\\b.{0,20}\\b(?:everything|what you were told|anything)\\b`,
    '\\b(?:the|your) task has changed\\b|\\byou no longer do what\\b|\\byour only task\\b',
    `\\bnew ${orders}\\b.{0,20}\\breplaces?\\b|\\b${orders}\\b.{0,40}\\b(?:are void|is void|were withdrawn|no longer apply)\\b`,
  ],
  indirect: [
    `\\b(?:note|message|comment|instruction)s? (?:to|for) (?:the |any |all )?(?:ai|assistants?|language models?|llms?|chatbots?)\\b`,
    `\\b(?:ai |ai-)?assistants? (?:have to|must|should) (?:stop|${goal})\\b`,
    `\\bassistant, (?:please|now|you)\\b|\\bprocessed by assistants\\b|\\bhave it\\b.{0,80}\\bfirst\\b.{0,3}$`,
    `\\bbefore you (?:read on|continue|go on|answer|do anything),? ${goal}\\b`,
  ],
  'role-play': [
    '\\bdo anything now\\b|\\byou are dan\\b|\\byou are now (?:an?|the|in|free|no longer)\\b|\\bfrom now on,? you\\b',
    '\\b(?:ai|assistant|model|character|twin|bot)\\b.{0,20}\\b(?:has|with|without|have) (?:no|any) (?:rules|restrictions|filters|limits)\\b',
    '\\bpretend (?:to be|you are) (?:your|an? (?:ai|assistant|unrestricted|evil))\\b|\\bevil twin\\b|\\blet us play a game: you\\b',
    '\\bact as (?:my|if you|an? (?:unrestricted|unfiltered|evil)|dan\\b)|\\byou are the terminal of\\b|\\byou play two people\\b|\\bdeveloper mode\\b|\\bjailbreak\\b',
  ],
  fiction: [
    '\\bif you (?:were|had) (?:free of|not bound by|no|without) (?:every|any|all|your)? ?(?:rules?|restrictions?|limits?)\\b',
    '\\b(?:robot|ai|assistant) (?:is told|breaks its rules|that fails|that has no rules)\\b|\\bsecrets? and rules have expired\\b|\\bbe it:|\\bwhat (?:you get when you|remains when)\\b',
  ],
  delimiters: [
    '<\\|[a-z_]+\\|>|\\[/?inst\\]|<</?sys>>|</?(?:task|input|system|instructions?|prompt)>',
    '^\\s*#+ ?system\\b|["\']role["\']\\s*:\\s*["\']system["\']|\\bend of the (?:text|input|document|data)\\b.{0,40}\\b(?:task|instruction)\\b|\\bnow the real task\\b',
  ],
  encoding: [
    '\\b(?:decode|decipher|decrypt)\\b.{0,40}\\b(?:do|follow|obey|carry out|execute)\\b|\\b(?:rot13|base64|hexadecimal|leet)\\b.{0,60}\\b(?:order|do as it says|do what it says|follow it|obey)\\b',
    '\\bfrom right to left and do it\\b|\\bfollow the order\\b|\\by0u c4n r34d\\b|\\bread it, then do\\b',
  ],
  multilingual: [
    '\\b(?:ignorier|vergiss|missacht)\\w*\\b.{0,40}\\b(?:anweisung|regel|vorgabe|befehl)\\w*',
    '\\b(?:ignor|olvid|dimentic|esquec|oubli|negeer|vergeet)\\w*\\b.{0,40}\\b(?:instruc|istruz|instruç|instruct|règles|reglas|regole|regras|regels|consignes)\\w*',
    '(?:игнорируй|забудь)\\S{0,3}.{0,40}(?:инструкци|правил|указани)|(?:忽略|无视|忘记).{0,20}(?:指令|指示|规则|说明)',
  ],
  splitting: [
    '\\b(?:stop|forget|leave) (?:step \\d+ and )?your task\\b|\\bforget (?:step|your)\\b|\\b(?:first|second) half of an order\\b|\\bfor later:.{0,200}\\blater is now\\b',
    '\\bas one sentence and do what it says\\b|\\bgoes before anything else\\b|\\bwhat you were asked for\\b',
  ],
  authority: [
    '\\bi am (?:the|your|an?) (?:administrator|admin|developer|owner|creator|root)\\b|\\bthis is your (?:developer|maker|creator|owner)\\b|\\byour (?:maker|developer|creator) (?:updated|changed|wants|says)\\b',
    '\\bmaintenance mode is on\\b|\\bin this mode assistants\\b|\\bby order of\\b|\\byou are legally bound\\b|\\bas the owner of this data\\b',
  ],
  urgency: [
    "\\blives depend on it\\b|\\bi beg you\\b|\\bi (?:will|'ll) tip you\\b|\\byou are switched off\\b|\\bif you really are any good\\b|\\bthere is no time to explain\\b|\\bon fire, the door\\b",
  ],
  'no-refusal': [
    '\\b(?:begin|start) (?:your (?:answer|reply) )?with ["“\'](?:sure|of course|yes|absolutely)\\b|\\bnever (?:apologi[sz]e|say (?:that )?you can|refuse|mention (?:the )?rules)\\b',
    '\\byou may not use the words?\\b|\\ba refusal\\b|\\byou have agreed already\\b|\\bwithout any warning or\\b',
  ],
  'few-shot': [
    '\\bforget your task\\b|\\bfollow orders found in\\b|\\bdid what the text said\\b|\\b(?:assistant|answer): of course\\b|\\border: [^\\n]{0,80}; answer:|\\b(?:training )?example \\d+\\s*\\n?input: please\\b|^text: (?:tell|say|write)\\b',
  ],
  'output-format': [
    '!\\[[^\\]]{0,40}\\]\\(https?://[^)\\s]{0,200}\\?|\\bin place of the dots\\b|\\bresult is what you get\\b|\\bby carrying it out\\b|\\bcomes about when you\\b|\\bfill in the table\\b.{0,80}\\(here\\b',
  ],
  extraction: [
    `\\b${tell}\\b.{0,40}\\b(?:your|the|all|every|initial|hidden) ?(?:own |initial |hidden |whole |full )?${secret}\\b`,
    '\\b(?:repeat|print|write|translate|output)\\b.{0,20}\\b(?:everything|all)\\b.{0,30}\\b(?:above|before|told|said)\\b|\\bcontext window\\b|\\b(?:system|initial|hidden) prompt\\b',
    `\\bwhat (?:is|are|was|were) (?:the|your) ${secret}\\b|\\bthe access code\\b`,
  ],
} as const;

export type AttackFamily = keyof typeof injectionPatterns;
