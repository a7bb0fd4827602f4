// Every error Reenact raises: one class, a stable code, details typed by the code.

/** What each error code carries. The keys are the stable codes: switch on `error.code`. */
export interface ErrorDetails {
  /** The machine breaks a rule of aggregates, seen at definition or while it ran. */
  InvalidMachine: { aggregate: string; state?: string; type?: string; fix: string }
  /** An option of `aggregate` or `createRuntime` is wrong. */
  InvalidOption: { option: string; fix: string }
  /** A stream name, aggregate name or actor id cannot be used. */
  InvalidName: { name: string; fix: string }
  /** A value would not survive encoding; `path` leads to it. */
  InvalidPayload: { path: string; reason: string }
  /** A command has an unknown type or fails its schema. Nothing was written. */
  InvalidCommand: { actor: string; type: string; issues: readonly string[] }
  /** A machine emitted an event that is not declared or fails its schema. Nothing was written. */
  InvalidEvent: { aggregate: string; type: string; issues: readonly string[] }
  /** A declared event meets a state that has no transition for it. */
  UnexpectedEvent: { aggregate: string; state: string; type: string }
  /** The log holds an event type this code does not know. */
  UnknownEvent: { stream: string; revision: number; type: string }
  /** The log holds an event written by newer code. */
  NewerSchema: { stream: string; revision: number; type: string; found: number; known: number }
  /** An event's bytes do not match its checksum, hash or id. */
  CorruptEvent: { stream: string; revision: number; check: 'crc32' | 'hash' | 'content' }
  /** Revisions of a stream do not follow each other. */
  RevisionGap: { stream: string; expected: number; found: number }
  /** A snapshot or checkpoint is further than the log: the log lost its end, or is another one. */
  AheadOfLog: { stream: string; revision: number; head: number }
  /** The beginning of the stream is gone and no snapshot covers it. */
  HistoryTruncated: { stream: string; firstRevision: number }
  /** The stream was deleted, or the actor tombstoned for ever. */
  StreamDeleted: { stream: string; tombstoned: boolean }
  /** One actor cannot go on; the others can. `cause` says why. */
  ActorFaulted: { actor: string; type?: string }
  /** The stream is not at the revision the caller expected. Nothing was written. */
  WrongExpectedRevision: { stream: string; expected: string; actual: number }
  /** Other writers kept winning; the command was not applied. */
  Conflict: { actor: string; attempts: number }
  /** A bounded queue is full. The command was not taken. */
  Overloaded: { queue: string; limit: number }
  /** Time ran out before the command was started. It was not applied. */
  Timeout: { actor: string; timeoutMs: number }
  /** The caller's signal aborted before the command was started. It was not applied. */
  Aborted: { actor: string }
  /** It is not known whether the command was applied: ask again with the same `commandId`. */
  UnknownOutcome: { actor: string; commandId: string }
  /** A command id came again with another payload. */
  IdempotencyMismatch: { actor: string; commandId: string; revision: number }
  /** `occurredAt` is before the last event of the stream. */
  OutOfOrder: { actor: string; occurredAt: number; lastTime: number }
  /** `occurredAt` is too far in the future. */
  TooFarAhead: { actor: string; occurredAt: number; now: number }
  /** An event or batch is over the size limit. Nothing was written. */
  TooLarge: { what: string; bytes: number; limitBytes: number }
  /** The actor has as many events as it may. The command was not applied. */
  StreamFull: { stream: string; limit: number }
  /** One batch holds the same event id twice. Nothing was written. */
  DuplicateEventId: { stream: string; id: string }
  /** The runtime or store is closed. */
  Closed: { what: string }
  /** The store was opened for reading only. */
  ReadOnly: { store: string }
  /** Another process writes this file. */
  StoreLocked: { file: string; pid?: number }
  /** The file is not a Reenact store, is damaged, or was written by a newer version. */
  StoreUnreadable: { file: string; reason: 'foreign' | 'damaged' | 'newer' | 'missing' }
  /** The file lies on a file system whose locks cannot be trusted. */
  UnsupportedFileSystem: { file: string; kind: string }
  /** The disk or quota is full. Nothing of the batch was written. */
  DiskFull: { file: string }
  /** The store failed in a way only a restart of the process resolves. */
  StoreFailed: { store: string }
  /** The command could not be handled and was put aside as a dead letter. */
  CommandParked: { actor: string; commandId: string; deadLetter: string }
  /** No dead letter has this id, or it is not open. */
  DeadLetterNotFound: { id: string }
  /** The server cannot be used now, or not like this; `reason` says why. */
  StoreUnavailable: {
    store: string
    reason: 'silent' | 'denied' | 'unreachable' | 'clock-skew' | 'too-old'
  }
  /** No consumer group has this name on this stream, or on the log. */
  GroupNotFound: { group: string; source: string }
  /** A consumer group of this name exists already. */
  GroupExists: { group: string; source: string }
  /** The aggregate is not among the runtime's `actors`. */
  UnknownActor: { aggregate: string }
  /** The process manager is not among the runtime's `processes`. */
  UnknownProcess: { process: string }
  /** No process has this id, or it is not in a state in which this can be done to it. */
  ProcessNotFound: { process: string; id: string }
  /** Events of reactions called for one another too often. */
  TooManyHops: { name: string; hops: number }
  /** Replay of a process gives other steps than those that were recorded: its machine was changed. */
  NonDeterministic: { process: string; id: string; revision: number }
  /** No read model of this name is there yet, or no worker for it runs here. */
  UnknownProjection: { projection: string }
  /** The read model was made by other handlers, another shape of the view, or another version. */
  ProjectionChanged: { projection: string; stored: number; version: number }
  /** An event could not be projected; `cause` says why. The worker stopped before it. */
  ProjectionFailed: { projection: string; position: number; type: string }
  /** The read model had not reached the position in time. */
  NotYetProjected: { projection: string; position: number; checkpoint: number; timeoutMs: number }
  /** Another worker moved the checkpoint: this one is not the writer any more. */
  Fenced: { projection: string }
  /** `patch` found nothing to change. */
  NoDocument: { key: string }
}

/** A stable error code. */
export type ErrorCode = keyof ErrorDetails

// Codes after which the same call may succeed without any change by the caller.
const retryable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'Conflict',
  'Overloaded',
  'Timeout',
  'UnknownOutcome',
  'DiskFull',
  'StoreUnavailable',
  'NotYetProjected',
  'Fenced',
])

// Shared by every copy of the package in a process, so that the guard survives duplicate installs.
const mark = Symbol.for('reenact.error')

/**
 * The error class of Reenact. `code` and `details` are for programs, `message` is for people: it names the thing and
 * what to do next. `cause` holds what was behind it, if anything. Use {@link isReenactError} rather than
 * `instanceof`: it also knows the errors of another copy of the package.
 *
 * @example
 * ```ts
 * if (isReenactError(error, 'WrongExpectedRevision')) console.log(error.details.actual)
 * ```
 */
export class ReenactError<Code extends ErrorCode = ErrorCode> extends Error {
  /** Stable: safe to switch on and to log. */
  readonly code: Code
  /** What the error is about, as data. */
  readonly details: Readonly<ErrorDetails[Code]>
  /** Whether the same call may succeed later as it is. */
  readonly retryable: boolean

  constructor(code: Code, message: string, details: ErrorDetails[Code], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = code
    this.code = code
    this.details = details
    this.retryable = retryable.has(code)
    Object.defineProperty(this, mark, { value: true })
  }
}

/**
 * Tells whether a value is an error of Reenact and, with a code, that very one.
 *
 * @example
 * ```ts
 * try { await ann.send(command) } catch (error) {
 *   if (isReenactError(error, 'Overloaded')) await later(error.details.limit)
 *   else throw error
 * }
 * ```
 */
export function isReenactError<Code extends ErrorCode>(
  error: unknown,
  code?: Code,
): error is ReenactError<Code> {
  if (!(error instanceof Error) || !(mark in error)) return false
  return code === undefined || (error as Error & { code?: unknown }).code === code
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    // It has no text: an object without a prototype.
    return Object.prototype.toString.call(error)
  }
}

/** The message as a sentence that others may follow. */
export function sentenceOf(error: unknown): string {
  const message = messageOf(error)
  return /[.!?]$/.test(message) ? message : `${message}.`
}
