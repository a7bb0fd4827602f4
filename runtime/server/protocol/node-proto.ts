// What a client asks about the node itself: which methods it has, and who else is in the cluster.

/** Package `event_store.client.server_features`. */
export const featuresProto = `
syntax = "proto3";
package event_store.client.server_features;

message SupportedMethod { string method_name = 1; string service_name = 2; repeated string features = 3; }
message SupportedMethods { repeated SupportedMethod methods = 1; string event_store_server_version = 2; }
service ServerFeatures { rpc GetSupportedMethods (Empty) returns (SupportedMethods); }
`

/** Package `event_store.client.gossip`. */
export const gossipProto = `
syntax = "proto3";
package event_store.client.gossip;

message EndPoint { string address = 1; uint32 port = 2; }
message MemberInfo {
  UUID instance_id = 1;
  int64 time_stamp = 2;
  int32 state = 3;
  bool is_alive = 4;
  EndPoint http_end_point = 5;
}
message ClusterInfo { repeated MemberInfo members = 1; }
service Gossip { rpc Read (Empty) returns (ClusterInfo); }
`
