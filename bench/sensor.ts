// A kind of actor with eight types of events, for reading a log of which not everything is wanted.

import { emit, setup } from 'xstate'
import { aggregate } from '../runtime/index.ts'

type Reading = { value: number; unit: string; place: string; at: string }
type Kind = 'K0' | 'K1' | 'K2' | 'K3' | 'K4' | 'K5' | 'K6' | 'K7'
type Command = { type: 'report'; kind: Kind; reading: Reading }
type Event = { type: Kind; reading: Reading }

const machine = setup({
  types: { events: {} as Command | Event, emitted: {} as Event },
}).createMachine({
  on: {
    report: { actions: emit(({ event }) => ({ type: event.kind, reading: event.reading })) },
    K0: {},
    K1: {},
    K2: {},
    K3: {},
    K4: {},
    K5: {},
    K6: {},
    K7: {},
  },
})

export const Sensor = aggregate('sensor', machine, {
  events: { K0: {}, K1: {}, K2: {}, K3: {}, K4: {}, K5: {}, K6: {}, K7: {} },
})

/** The n-th report. */
export const report = (n: number): Command => ({
  type: 'report',
  kind: `K${n % 8}` as Kind,
  reading: { value: n / 8, unit: 'kWh', place: `Hall ${n % 31}, row ${n % 7}`, at: '2026-01-31' },
})
