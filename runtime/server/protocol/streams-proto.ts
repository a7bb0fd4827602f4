// The service for streams: reading, subscribing, appending, deleting.

/** Package `event_store.client.streams`. */
export const streamsProto = `
syntax = "proto3";
package event_store.client.streams;

message ReadReq {
  message Options {
    message SubscriptionOptions {}
    message ControlOption { uint32 compatibility = 1; }
    oneof stream_option { StreamOptions stream = 1; AllOptions all = 2; }
    int32 read_direction = 3;
    bool resolve_links = 4;
    oneof count_option { uint64 count = 5; SubscriptionOptions subscription = 6; }
    oneof filter_option { FilterOptions filter = 7; Empty no_filter = 8; }
    UUIDOption uuid_option = 9;
    ControlOption control_option = 10;
  }
  Options options = 1;
}
// Events, field 1, are written by hand.
message ReadResp {
  message SubscriptionConfirmation { string subscription_id = 1; }
  message StreamNotFound { StreamIdentifier stream_identifier = 1; }
  oneof content {
    SubscriptionConfirmation confirmation = 2;
    Position checkpoint = 3;
    StreamNotFound stream_not_found = 4;
    uint64 first_stream_position = 5;
    uint64 last_stream_position = 6;
    Position last_all_stream_position = 7;
    Empty caught_up = 8;
    Empty fell_behind = 9;
  }
}

message ExpectedOptions {
  StreamIdentifier stream_identifier = 1;
  oneof expected { uint64 revision = 2; Empty no_stream = 3; Empty any = 4; Empty stream_exists = 5; }
}
message AppendReq {
  oneof content { ExpectedOptions options = 1; ProposedMessage proposed_message = 2; }
}
message Success {
  oneof current_revision_option { uint64 current_revision = 1; Empty no_stream = 2; }
  oneof position_option { Position position = 3; Empty no_position = 4; }
}
message AppendResp {
  message WrongExpectedVersion {
    oneof current { uint64 current_revision = 6; Empty current_no_stream = 7; }
    oneof expected {
      uint64 expected_revision = 8;
      Empty expected_any = 9;
      Empty expected_stream_exists = 10;
      Empty expected_no_stream = 11;
    }
  }
  oneof result { Success success = 1; WrongExpectedVersion wrong_expected_version = 2; }
}

message BatchAppendReq {
  message Options {
    StreamIdentifier stream_identifier = 1;
    oneof expected { uint64 revision = 2; Empty no_stream = 3; Empty any = 4; Empty stream_exists = 5; }
    oneof deadline_option { Timestamp deadline_at = 6; Duration deadline_in = 7; }
  }
  UUID correlation_id = 1;
  Options options = 2;
  repeated ProposedMessage proposed_messages = 3;
  bool is_final = 4;
}
message BatchAppendResp {
  UUID correlation_id = 1;
  oneof result { Status error = 2; Success success = 3; }
  StreamIdentifier stream_identifier = 4;
  oneof expected { uint64 revision = 5; Empty no_stream = 6; Empty any = 7; Empty stream_exists = 8; }
}

message DeleteReq { ExpectedOptions options = 1; }
message DeleteResp { oneof position_option { Position position = 1; Empty no_position = 2; } }

service Streams {
  rpc Read (ReadReq) returns (stream ReadResp);
  rpc Append (stream AppendReq) returns (AppendResp);
  rpc Delete (DeleteReq) returns (DeleteResp);
  rpc Tombstone (DeleteReq) returns (DeleteResp);
  rpc BatchAppend (stream BatchAppendReq) returns (stream BatchAppendResp);
}
`
