// The messages of persistent subscriptions as they are decoded.

import type { AllOptions, Int64, StreamIdentifier, StreamOptions, UuidMessage } from './messages.ts'

/** Which group: one of a stream, or one of the log where no stream is named. */
export interface GroupOf {
  readonly streamIdentifier?: StreamIdentifier
  readonly groupName: string
}

export interface SettingsMessage {
  readonly resolveLinks: boolean
  readonly revision: Int64
  readonly extraStatistics: boolean
  readonly messageTimeout?: 'messageTimeoutTicks' | 'messageTimeoutMs'
  readonly messageTimeoutTicks: Int64
  readonly messageTimeoutMs: number
  readonly maxRetryCount: number
  readonly checkpointAfter?: 'checkpointAfterTicks' | 'checkpointAfterMs'
  readonly checkpointAfterTicks: Int64
  readonly checkpointAfterMs: number
  readonly minCheckpointCount: number
  readonly maxCheckpointCount: number
  readonly maxSubscriberCount: number
  readonly liveBufferSize: number
  readonly readBatchSize: number
  readonly historyBufferSize: number
  readonly namedConsumerStrategy: number
  readonly consumerStrategy: string
}

export interface ChangeOptions extends GroupOf {
  readonly streamOption?: 'stream' | 'all'
  readonly stream?: StreamOptions
  readonly all?: AllOptions
  readonly settings?: SettingsMessage
}

export interface GroupReadOptions extends GroupOf {
  readonly bufferSize: number
  readonly uuidOption?: { readonly content?: 'structured' | 'string' }
}

export interface GroupReadRequest {
  readonly content?: 'options' | 'ack' | 'nack'
  readonly options?: GroupReadOptions
  readonly ack?: { readonly ids: readonly UuidMessage[] }
  readonly nack?: {
    readonly ids: readonly UuidMessage[]
    readonly action: number
    readonly reason: string
  }
}

export interface ReplayOptions extends GroupOf {
  readonly stopAtOption?: 'stopAt' | 'noLimit'
  readonly stopAt: Int64
}

export interface ListOptions {
  readonly listOption?: 'listAllSubscriptions' | 'listForStream'
  readonly listForStream?: { readonly stream?: StreamIdentifier }
}

/** A request whose options are all there is. */
export interface Request<Options> {
  readonly options?: Options
}
