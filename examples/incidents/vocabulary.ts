// The words of the desk: what one can ask for, what can happen, what is known of an incident.

/** What an incident is about. */
export interface Subject {
  readonly impact: string
  readonly product: string
  readonly country: string
}

/** Who has an incident. */
export interface Desk {
  readonly team: string
  /** First, second or third line support. */
  readonly supportLine: number
  readonly division: string | null
  readonly organization: string
}

/** Whom a waiting incident waits for. */
export type WaitingFor = 'user' | 'customer' | 'vendor' | 'implementation' | 'unspecified'

/** What somebody wants done. */
export type Command = { readonly about: Subject; readonly desk: Desk } & Request

/** The part of a command that says what is wanted. */
export type Request =
  | {
      readonly type:
        | 'queue'
        | 'assign'
        | 'work'
        | 'resolve'
        | 'resolveInCall'
        | 'close'
        | 'cancel'
        | 'unmatch'
    }
  | { readonly type: 'wait'; readonly waitingFor: WaitingFor }

/** What happened. */
export type Event =
  | ({ readonly type: 'Registered' } & Subject & Desk)
  | { readonly type: 'Reclassified'; readonly impact: string; readonly product: string }
  | ({ readonly type: 'HandedOver' | 'Escalated' } & Desk)
  | { readonly type: 'WaitStarted'; readonly waitingFor: WaitingFor }
  | {
      readonly type:
        | 'Queued'
        | 'Assigned'
        | 'WorkStarted'
        | 'Reopened'
        | 'Resolved'
        | 'ResolvedInCall'
        | 'Unmatched'
        | 'Closed'
        | 'Cancelled'
    }

type Maybe<T> = { readonly [Key in keyof T]: T[Key] | null }

/** What is known of an incident; `null` until it is registered. */
export interface Known extends Maybe<Subject>, Maybe<Desk> {
  readonly waitingFor: WaitingFor | null
  readonly handOvers: number
  readonly reopenings: number
}
