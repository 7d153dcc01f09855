/**
 * Every bound in one place, its unit in its name and its source beside it. A number that a user may change is in
 * `offpeak.json` or the environment instead; what stands here is the largest or the default.
 */

/** The HTTP door. 256 KiB is what OpenClaw's hooks accept. */
export const maxRequestBytes = 256 * 1024;
/** A bulk spawn. Lambda takes 6 MB a call, and API Gateway writes whatever it does not take for text as base64. */
export const maxBulkTasks = 1_000;
export const maxBulkBytes = 4 * 1024 * 1024;
/** How long it begins with further tasks: its function has 15 s, API Gateway waits 30 s. */
export const bulkSpawnSeconds = 8;
/** Tasks of a bulk call whose requests share an object: a hundredth of its price each, and about 220 KB to read. */
export const tasksPerObject = 100;
export const maxIdempotencyKeyCharacters = 255;
export const maxLabelCharacters = 64;
export const maxModelCharacters = 128;
/** Anthropic: those seen have 33; a key of the table may have 2,048. */
export const maxBatchIdCharacters = 128;
export const maxMetadataBytes = 4 * 1024;
/** Thirty days: longer than any batch and any result lives (29 days). */
export const maxTimeoutSeconds = 30 * 24 * 3600;
export const defaultPageSize = 50;
export const maxPageSize = 200;
/** How many index entries one list call may look at before it answers with a cursor instead. */
export const maxListExamined = 1_000;
/** Budgets: what is released and spent of a day is spread over so many items; a claim on its room is tried this often. */
export const budgetShards = 16;
export const maxClaimTries = 10;
/** How many days ahead a held task may go. */
export const maxHoldDays = 7;

/** Usage: the longest time one question is about, and what is kept of each day by agent, lane, label, model and job each. */
export const maxUsageDays = 366;
export const maxUsageGroups = 2_000;
/** Parts of the books (manifests, minutes, days) that a tick sums up of each kind; the rest is for the next. */
export const maxSumsPerTick = 1_000;
/** How far back the list of batches goes: manifests are kept at least so long. */
export const manifestListDays = 35;
/** How long a session takes messages: any time in which Anthropic keeps results (29 days), and manifests are kept. */
export const minRetentionDays = manifestListDays;
export const maxRetentionDays = 365;
export const defaultRetentionDays = 90;
/** And is kept beyond that: a message of the last day may have a deadline 30 days away. */
export const retentionGraceDays = 30;
/** Before it goes: nothing of it is sent any more, and its turn ends, whatever became of it. */
export const lastSendDays = 3;
export const lastEndDays = 1;
/** Large bodies lie in folders by how long they are kept, in steps of so many days; no session is kept for longer than the last. */
export const bodyStepDays = 30;
export const maxBodyDays = 420;
/** Days of the books: their parts are kept a little longer than one question reaches, real-time calls as long as a manifest. */
export const partDays = 400;
export const budgetDays = 35;
/** Entries of one partition of the due index that a count of the lanes' work reads: about 5 MB, a few pages of DynamoDB. */
export const maxBacklogEntries = 20_000;

/** Cancel by label or agent: how long one call works before it says that there is more; API Gateway waits 30 s at most. */
export const bulkCancelSeconds = 15;

/** Failed logins one address may make in a minute before it is told to wait. */
export const maxFailedLoginsPerMinute = 10;
/** How long a login that was good is good without another look: a revoked token ends within a minute. */
export const loginCacheSeconds = 30;
/** Tokens one function remembers, that are kept in all, and agents that one names: API Gateway takes 8 KB of a verdict. */
export const maxRememberedTokens = 1_000;
export const maxTokens = 1_000;
export const maxTokenAgents = 50;
/** Federation: how long AWS's proof of who a function is is good; it is used at once. */
export const identitySeconds = 300;
/** Ten years. */
export const maxTokenSeconds = 3_650 * 24 * 3600;
/** How long the list still shows a token that was revoked, or has expired. */
export const endedTokenDays = 30;

/** Anthropic: 100,000 requests or 256 MB a batch; whether MB means 10^6 is not stated, so stay under the smaller. */
export const anthropicBatchRequests = 100_000;
export const anthropicBatchBytes = 250_000_000;
/** A 413 on a body smaller than this cannot be about its size. */
export const contentRefusalBytes = 1_000_000;
/** A batch ends within 24 h of its creation, its results live 29 days from creation. */
export const batchLifeSeconds = 24 * 3600;
export const resultsLifeSeconds = 29 * 24 * 3600;
/** A 404 on results has been seen for batches that exist; only after this long do we believe it. */
export const resultsMissingSeconds = 48 * 3600;

/** Lambda: the longest a function runs. What it was doing is over after that. */
export const functionSeconds = 900;

/** How far the clocks of two machines may differ. */
export const clockSkewSeconds = 60;

/** Sessions and manifests are spread over this many partitions of the due index, so that none of them runs hot. */
export const dueShards = 8;
/** The same for the lists by agent and by label. */
export const listShards = 4;
/** What one tick takes from the due index of one purpose and lane; the rest is taken by the next tick, oldest first. */
export const maxDuePerTick = 1_000;
/** Manifests a tick looks through for somebody who still waits, the oldest first. */
export const maxDeparturesPerTick = 100;
/** What one tick looks at in a shard for that: in eight shards, 400,000 that are due at once hide nobody. */
export const maxDueExamined = 50_000;

/** Members on one page of a manifest: about 40 bytes each, far under DynamoDB's 400 KB. */
export const membersPerPage = 1_000;
/** DynamoDB items end at 400 KB; a compressed body larger than this goes to S3. */
export const maxInlineBytes = 350_000;
/** Error messages kept on the session's small item. */
export const maxErrorCharacters = 300;
/** Of a session's timeline, which is on that item too: how it began, how it went on of late, and how much each says. */
export const timelineFirst = 2;
export const timelineLast = 14;
export const maxTimelineCharacters = 80;

/** Calls under way at once to the store, to the queue and to the events bus, each. */
export const concurrency = 16;
/** DynamoDB: statements a `BatchExecuteStatement`. */
export const statementsPerCall = 25;
/** Conditional writes under way at once where they go in groups: eight calls. */
export const groupedWrites = 8 * statementsPerCall;
/** Connections to each service: enough for what several lanes do side by side, or as many HTTP calls of one process. */
export const maxSockets = 4 * concurrency;

/** A real-time call is aborted this long after it began; its lease lasts a little longer. */
export const realtimeCallSeconds = 600;
export const realtimeLeaseSeconds = realtimeCallSeconds + clockSkewSeconds;
/** A real-time call without an outcome may have been paid: it is tried again at most this often. */
export const realtimeUnknownRetries = 1;
/** A new user turn apart, `pause_turn` may continue one task this many turns. */
export const maxTurns = 20;
/** Numbers a request tries that were taken by others which no turn was made of: each needs a crash or a lost race. */
export const maxTakenTurns = 100;
/** No follow-up beyond this turn: a `custom_id` has room for 9,999, and a task may pause. */
export const maxFollowUpTurn = 9_900;
/** Time before a deadline at which `fallback` goes real-time, until enough calls have shown how long they take. */
export const fallbackLeadSeconds = 120;
/** What is learned from them stays between these: a sweep comes by once a minute, and a call lasts ten at most. */
export const minFallbackLeadSeconds = 60;
export const maxFallbackLeadSeconds = realtimeCallSeconds;
/** Of the time that nearly all calls took: the next ones may be slower. */
export const leadPercent = 150;

/** What is kept of how long work took: so many figures a lane, of so many days, of so many sessions each at most. */
export const sampleSlots = 64;
export const sampleDays = 14;
export const maxSampledSessions = 1_000;
/** With fewer than these, nothing is said of a lane. */
export const minSamples = 5;

/** What is kept of when an agent's requests ran: for so long, and so many of them count, the newer the more. */
export const cacheRunDays = 14;
export const maxCacheRuns = 64;
export const cacheHalfLifeRuns = 32;

/** Those with the same prefix wait so long for the one that went ahead: most batches of one end within minutes. */
export const primerWaitSeconds = 1_800;
/** And read what it wrote so long after it was sent: an entry lives an hour, and a batch may begin some minutes late. */
export const primerWarmSeconds = 3_000;
/** Of what a primer wrote, what is taken to be found. */
export const primedHitPercent = 90;
/** What holding one session back costs: six write units, two read units, and its messages (us-east-1, on demand, 2026). */
export const holdPicoUsd = 5_000_000;

/** What advice goes by, what it compares, and from how much more on it speaks of growth; less than a cent a month is not said. */
export const adviceDays = 30;
export const growthDays = 7;
export const minGrowthPercent = 25;
export const minAdvicePicoUsd = 10_000_000_000;

/** EventBridge: entries a `PutEvents` call. */
export const eventsPerCall = 10;
/** Turns a digest names: about 22 KB of ids, since EventBridge charges an event by each 64 KB, and ends at 256 KB a call. */
export const maxDigestIds = 500;
/** SQS: messages a call. */
export const messagesPerCall = 10;
/** Received this often, a message is handled alone and after the others: it may be what breaks its batch. */
export const suspectReceives = 3;
/** Received this often and still there, a message becomes a dead letter. */
export const maxReceives = suspectReceives + 2;
/** Visits of a suspect that neither sent nor ended it. A batch is cut to a tenth each time: of 100,000, five leave one. */
export const maxVisits = 6;
/** A record that cannot be read is looked at this often, so that its alarm stands until somebody has put it right. */
export const damagedLookSeconds = 3600;

/** The longest pause between two readings of a result file that came back short. */
export const maxReadAgainSeconds = 600;
export const maxRetrySeconds = 3600;
/** The first stay of a parked lane; each that follows without an accepted create is twice as long. */
export const defaultParkSeconds = 300;
export const maxParkSeconds = 3600;
