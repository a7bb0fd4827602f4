// The messages as the decoder hands them over and the encoder takes them. Names of members are the protocol's.

/** A 64-bit number as it is decoded. */
export type Int64 = number | { toNumber(): number }

export type Empty = Record<string, never>

export interface UuidMessage {
  readonly value?: 'structured' | 'string'
  readonly string?: string
  readonly structured?: {
    readonly mostSignificantBits: Int64 | bigint
    readonly leastSignificantBits: Int64 | bigint
  }
}

export interface StreamIdentifier {
  readonly streamName: Uint8Array
}

export interface PositionMessage {
  readonly commitPosition: Int64
  readonly preparePosition: Int64
}

export interface ProposedMessage {
  readonly id?: UuidMessage
  readonly metadata: Readonly<Record<string, string>>
  readonly customMetadata: Uint8Array
  readonly data: Uint8Array
}

/** What a request expects of its stream. `expected` names the one that is given. */
export interface ExpectedOptions {
  readonly streamIdentifier?: StreamIdentifier
  readonly expected?: 'revision' | 'noStream' | 'any' | 'streamExists'
  readonly revision: Int64
}

export interface FilterExpression {
  readonly regex: string
  readonly prefix: readonly string[]
}

export interface FilterOptions {
  readonly filter?: 'streamIdentifier' | 'eventType'
  readonly streamIdentifier?: FilterExpression
  readonly eventType?: FilterExpression
  readonly window?: 'max' | 'count'
  readonly max: number
  readonly checkpointIntervalMultiplier: number
}

/** A stream and where to begin in it. */
export interface StreamOptions {
  readonly streamIdentifier?: StreamIdentifier
  readonly revisionOption?: 'revision' | 'start' | 'end'
  readonly revision: Int64
}

/** Where to begin in the log. The filter stands here for groups only. */
export interface AllOptions {
  readonly allOption?: 'position' | 'start' | 'end'
  readonly position?: PositionMessage
  readonly filterOption?: 'filter' | 'noFilter'
  readonly filter?: FilterOptions
}

export interface ReadOptions {
  readonly streamOption?: 'stream' | 'all'
  readonly stream?: StreamOptions
  readonly all?: AllOptions
  /** 0 forwards, 1 backwards. */
  readonly readDirection: number
  readonly resolveLinks: boolean
  readonly countOption?: 'count' | 'subscription'
  readonly count: Int64
  readonly filterOption?: 'filter' | 'noFilter'
  readonly filter?: FilterOptions
  readonly uuidOption?: { readonly content?: 'structured' | 'string' }
  readonly controlOption?: { readonly compatibility: number }
}

export interface ReadRequest {
  readonly options?: ReadOptions
}

export interface AppendRequest {
  readonly content?: 'options' | 'proposedMessage'
  readonly options?: ExpectedOptions
  readonly proposedMessage?: ProposedMessage
}

export interface BatchAppendOptions extends ExpectedOptions {
  readonly deadlineOption?: 'deadlineAt' | 'deadlineIn'
  readonly deadlineAt?: { readonly seconds: Int64; readonly nanos: number }
  readonly deadlineIn?: { readonly seconds: Int64; readonly nanos: number }
}

export interface BatchAppendRequest {
  readonly correlationId?: UuidMessage
  readonly options?: BatchAppendOptions
  readonly proposedMessages: readonly ProposedMessage[]
  readonly isFinal: boolean
}

export interface DeleteRequest {
  readonly options?: ExpectedOptions
}

/** The message without content. */
export const empty: Empty = {}

/** A decoded 64-bit number. Beyond what a double holds exactly it is only known to be huge. */
export const toNumber = (value: Int64): number => {
  const number = typeof value === 'number' ? value : value.toNumber()
  return Math.min(number, Number.MAX_SAFE_INTEGER)
}
