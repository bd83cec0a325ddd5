//! Joining, staying in and leaving a consumer group.

use super::{NONE, status, text};
use crate::access::Operation;
use crate::call::{Answer, Call, Malformed, Reply, encode, now};
use crate::group::MemberIdentity;
use crate::member::{Join, Joined};
use crate::node::Node;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Joins; the answer comes when the group is complete.
pub fn join(node: &Arc<Node>, call: &Call, request: JoinGroupRequest) -> Result<Reply, Malformed> {
    if let Err(error) = call.group(Operation::Read, &request.group_id) {
        return now(call, &join_response(call, Joined::refused(error, "")));
    }
    let session = millis(request.session_timeout_ms);
    let instance = request.group_instance_id.map(|name| name.to_string());
    let join = Join {
        member: request.member_id.to_string(),
        must_return: call.version >= 4,
        instance,
        client: call.client.clone(),
        host: format!("/{}", call.addresses.peer.ip().to_canonical()),
        session,
        rebalance: if call.version == 0 { session } else { millis(request.rebalance_timeout_ms) },
        protocol_type: request.protocol_type.to_string(),
        protocols: request.protocols.iter().map(|offer| (offer.name.to_string(), owned(&offer.metadata))).collect(),
    };
    let joined = node.groups.join(&request.group_id, join);
    let call = call.clone();
    Ok(Reply::Later(Box::pin(async move {
        let joined = joined.await.unwrap_or_else(|_| Joined::refused(ResponseError::UnknownMemberId, ""));
        let frame = encode(&call, &join_response(&call, joined)).ok()?;
        Some(Answer::of(frame))
    })))
}

/// A small copy, so that a subscription does not keep the whole request in memory.
fn owned(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn millis(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

fn join_response(call: &Call, joined: Joined) -> JoinGroupResponse {
    let member = |(id, instance, metadata): (String, Option<String>, Bytes)| {
        let response = JoinGroupResponseMember::default().with_member_id(StrBytes::from_string(id)).with_metadata(metadata);
        if call.version >= 5 { response.with_group_instance_id(instance.map(StrBytes::from_string)) } else { response }
    };
    let (kind, name) = match joined.protocol {
        Some((kind, name)) => (Some(StrBytes::from_string(kind)), Some(StrBytes::from_string(name))),
        None if call.version >= 7 => (None, None),
        None => (None, Some(StrBytes::new())),
    };
    let response = JoinGroupResponse::default()
        .with_error_code(joined.error.map_or(NONE, |error| error.code()))
        .with_generation_id(joined.generation)
        .with_protocol_name(name)
        .with_leader(StrBytes::from_string(joined.leader))
        .with_member_id(StrBytes::from_string(joined.member))
        .with_members(joined.members.into_iter().map(member).collect());
    if call.version >= 7 { response.with_protocol_type(kind) } else { response }
}

/// Brings the leader's shares, waits for one's own.
pub fn sync(node: &Arc<Node>, call: &Call, request: SyncGroupRequest) -> Result<Reply, Malformed> {
    if let Err(error) = call.group(Operation::Read, &request.group_id) {
        return now(call, &SyncGroupResponse::default().with_error_code(error.code()));
    }
    let who = member_identity(&request.member_id, request.group_instance_id.as_ref(), request.generation_id);
    let share = |share: &kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment| {
        (share.member_id.to_string(), owned(&share.assignment))
    };
    let shares: HashMap<String, Bytes> = request.assignments.iter().map(share).collect();
    let synced = node.groups.sync(&request.group_id, &who, shares);
    let call = call.clone();
    Ok(Reply::Later(Box::pin(async move {
        let response = match synced.await.unwrap_or(Err(ResponseError::UnknownMemberId)) {
            Ok((kind, name, assignment)) => {
                let response = SyncGroupResponse::default().with_assignment(assignment);
                if call.version >= 5 {
                    response.with_protocol_type(Some(text(&kind))).with_protocol_name(Some(text(&name)))
                } else {
                    response
                }
            }
            Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
        };
        let frame = encode(&call, &response).ok()?;
        Some(Answer::of(frame))
    })))
}

/// Says that a member lives, and learns whether it must join again.
pub fn heartbeat(node: &Node, call: &Call, request: &HeartbeatRequest) -> HeartbeatResponse {
    let who = member_identity(&request.member_id, request.group_instance_id.as_ref(), request.generation_id);
    let allowed = call.group(Operation::Read, &request.group_id);
    let heard = allowed.and_then(|()| node.groups.heartbeat(&request.group_id, &who));
    HeartbeatResponse::default().with_error_code(status(heard))
}

/// Takes members out.
pub fn leave(node: &Node, call: &Call, request: &LeaveGroupRequest) -> LeaveGroupResponse {
    if let Err(error) = call.group(Operation::Read, &request.group_id) {
        return LeaveGroupResponse::default().with_error_code(error.code());
    }
    if call.version < 3 {
        let left = node.groups.leave(&request.group_id, &request.member_id, None);
        return LeaveGroupResponse::default().with_error_code(status(left));
    }
    let member = |who: &kafka_protocol::messages::leave_group_request::MemberIdentity| {
        let left = node.groups.leave(&request.group_id, &who.member_id, who.group_instance_id.as_deref());
        MemberResponse::default()
            .with_member_id(who.member_id.clone())
            .with_group_instance_id(who.group_instance_id.clone())
            .with_error_code(status(left))
    };
    LeaveGroupResponse::default().with_members(request.members.iter().map(member).collect())
}

/// Who speaks, as the group wants to know it.
pub fn member_identity(member: &StrBytes, instance: Option<&StrBytes>, generation: i32) -> MemberIdentity {
    MemberIdentity { member: member.to_string(), instance: instance.map(|name| name.to_string()), generation }
}
