//! Consumer groups as an operator sees them.

use super::{NOT_ASKED, status, text};
use crate::access::{Operation, Resource};
use crate::call::Call;
use crate::group::{Group, Phase};
use crate::member::Member;
use crate::node::Node;
use crate::offset_journal::Change;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId, ListGroupsRequest,
    ListGroupsResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// State, protocol and members of groups.
pub async fn describe(node: &Node, call: &Call, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let mut groups = Vec::with_capacity(request.groups.len());
    for id in request.groups {
        if let Err(error) = call.group(Operation::Describe, &id) {
            groups.push(DescribedGroup::default().with_group_id(id).with_error_code(error.code()).with_authorized_operations(NOT_ASKED));
            continue;
        }
        let described = match node.groups.look(&id, |group| one(call, group)) {
            Some(described) => described,
            None => absent(call, node.offsets.read(&id).await.is_some()),
        };
        groups.push(described.with_group_id(id).with_authorized_operations(NOT_ASKED));
    }
    DescribeGroupsResponse::default().with_groups(groups)
}

fn absent(call: &Call, has_offsets: bool) -> DescribedGroup {
    let group = DescribedGroup::default();
    match has_offsets {
        true => group.with_group_state(StrBytes::from_static_str(Phase::Empty.name())),
        false if call.version >= 6 => {
            group.with_group_state(StrBytes::from_static_str("Dead")).with_error_code(ResponseError::GroupIdNotFound.code())
        }
        false => group.with_group_state(StrBytes::from_static_str("Dead")),
    }
}

fn one(call: &Call, group: &Group) -> DescribedGroup {
    let stable = group.phase == Phase::Stable;
    let member = |(id, member): (&String, &Member)| {
        let described = DescribedGroupMember::default()
            .with_member_id(text(id))
            .with_client_id(text(&member.client))
            .with_client_host(text(&member.host))
            .with_member_metadata(member.metadata(&group.protocol))
            .with_member_assignment(if stable { member.assignment.clone() } else { Default::default() });
        let instance = member.instance.as_deref().map(text);
        if call.version >= 4 { described.with_group_instance_id(instance) } else { described }
    };
    DescribedGroup::default()
        .with_group_state(StrBytes::from_static_str(group.phase.name()))
        .with_protocol_type(text(&group.protocol_type))
        .with_protocol_data(text(&group.protocol))
        .with_members(group.members.iter().map(member).collect())
}

/// All groups: those with members and those that have committed.
pub async fn list(node: &Node, call: &Call, request: ListGroupsRequest) -> ListGroupsResponse {
    let committed = node.offsets.names().await;
    let mut groups: BTreeMap<String, (Phase, String)> = committed.into_iter().map(|name| (name, (Phase::Empty, String::new()))).collect();
    let present = node.groups.look_at_all(|name, group| (name.to_owned(), (group.phase, group.protocol_type.clone())));
    groups.extend(present);
    let wanted = |phase: Phase| {
        request.states_filter.is_empty() || request.states_filter.iter().any(|state| state.eq_ignore_ascii_case(phase.name()))
    };
    let classic = |kind: &StrBytes| kind.eq_ignore_ascii_case("classic");
    let any_kind = request.types_filter.is_empty() || request.types_filter.iter().any(classic);
    let sees_all = call.cluster(Operation::Describe).is_ok();
    let is_shown = |name: &str| sees_all || call.may(Operation::Describe, Resource::Group, name);
    let listed =
        groups.into_iter().filter(|(name, (phase, _))| any_kind && wanted(*phase) && is_shown(name)).map(|(name, (phase, kind))| {
            let group = ListedGroup::default().with_group_id(GroupId(text(&name))).with_protocol_type(text(&kind));
            let group = if call.version >= 4 { group.with_group_state(text(phase.name())) } else { group };
            if call.version >= 5 { group.with_group_type(StrBytes::from_static_str("classic")) } else { group }
        });
    ListGroupsResponse::default().with_groups(listed.collect())
}

/// Deletes groups that nobody is in, with their offsets.
pub async fn delete(node: &Node, call: &Call, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for id in request.groups_names {
        let known = node.offsets.read(&id).await.is_some();
        let mut deleted = call.group(Operation::Delete, &id).and_then(|()| node.groups.delete(&id, known));
        if deleted.is_ok() && !node.offsets.write(Change::Delete(id.to_string())).await {
            deleted = Err(ResponseError::KafkaStorageError);
        }
        results.push(DeletableGroupResult::default().with_group_id(id).with_error_code(status(deleted)));
    }
    DeleteGroupsResponse::default().with_results(results)
}
