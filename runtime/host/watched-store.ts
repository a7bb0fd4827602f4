// The store as users get it from the runtime: what they write past the actors is noticed by the actors.

import type { EventStore } from '../ports/event-store.ts'

/** Passes everything on, and tells which stream was written, truncated or deleted by whoever holds it. */
export function watchedStore(store: EventStore, onWrite: (stream: string) => void): EventStore {
  const watch = async <Result>(stream: string, done: Promise<Result>): Promise<Result> => {
    try {
      return await done
    } finally {
      onWrite(stream)
    }
  }
  return {
    name: store.name,
    supports: store.supports,
    state: store.state,
    groups: store.groups,
    readStream: (stream, options) => store.readStream(stream, options),
    readAll: (options) => store.readAll(options),
    subscribe: (options) => store.subscribe(options),
    listStreams: (options) => store.listStreams(options),
    streamMetadata: (stream) => store.streamMetadata(stream),
    append: (stream, events, options) => watch(stream, store.append(stream, events, options)),
    setStreamMetadata: (stream, metadata) =>
      watch(stream, store.setStreamMetadata(stream, metadata)),
    deleteStream: (stream) => watch(stream, store.deleteStream(stream)),
    tombstoneStream: (stream) => watch(stream, store.tombstoneStream(stream)),
    close: () => store.close(),
  }
}
