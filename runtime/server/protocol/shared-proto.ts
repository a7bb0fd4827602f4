// The messages all services share. Field numbers are the protocol's; field names are ours where it does not matter.

/** Package `event_store.client`, and the two well-known shapes it borrows from Google. */
export const sharedProto = `
syntax = "proto3";
package event_store.client;

message Empty {}
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message Any { string type_url = 1; bytes value = 2; }
message Status { int32 code = 1; string message = 2; Any details = 3; }

message UUID {
  message Structured { int64 most_significant_bits = 1; int64 least_significant_bits = 2; }
  oneof value { Structured structured = 1; string string = 2; }
}
message StreamIdentifier { bytes stream_name = 3; }
message Position { uint64 commit_position = 1; uint64 prepare_position = 2; }
message UUIDOption { oneof content { Empty structured = 1; Empty string = 2; } }

message WrongExpectedVersion {
  oneof current { uint64 current_stream_revision = 1; Empty current_no_stream = 2; }
  oneof expected {
    uint64 expected_stream_position = 3;
    Empty expected_any = 4;
    Empty expected_stream_exists = 5;
    Empty expected_no_stream = 6;
  }
}
message StreamDeleted { StreamIdentifier stream_identifier = 1; }
message MaximumAppendSizeExceeded { uint32 max_append_size = 1; }
message AccessDenied {}
message Timeout {}
message Unknown {}
message BadRequest { string message = 1; }

message ProposedMessage {
  UUID id = 1;
  map<string, string> metadata = 2;
  bytes custom_metadata = 3;
  bytes data = 4;
}
message FilterExpression { string regex = 1; repeated string prefix = 2; }
message FilterOptions {
  oneof filter { FilterExpression stream_identifier = 1; FilterExpression event_type = 2; }
  oneof window { uint32 max = 3; Empty count = 4; }
  uint32 checkpoint_interval_multiplier = 5;
}
message StreamOptions {
  StreamIdentifier stream_identifier = 1;
  oneof revision_option { uint64 revision = 2; Empty start = 3; Empty end = 4; }
}
// Groups have the filter here, reads beside it.
message AllOptions {
  oneof all_option { Position position = 1; Empty start = 2; Empty end = 3; }
  oneof filter_option { FilterOptions filter = 4; Empty no_filter = 5; }
}
`
