# The decision contract: what a zone whose policies are data documents decides (sts.md 10.4).
# Compiled together with the zone's documents; data.caracal.authz.result is the decision.
package caracal.authz

import rego.v1

default result := {
	"decision": "deny",
	"evaluation_status": "complete",
	"determining_policies": [],
	"diagnostics": [{"reason": "no_rule_matched"}],
}

# The first rule that holds decides; the order is the specification's.
result := deny("restriction_active") if {
	frozen
} else := allow("caracal-bootstrap", []) if {
	bootstrap
	owns
} else := deny("malformed_risk_data") if {
	not bootstrap
	governed
	bad_risk
} else := deny("malformed_approval_data") if {
	not bootstrap
	governed
	bad_tiers
} else := deny("resource_not_granted") if {
	mint
	not owns
} else := deny("delegation_scope_exceeded") if {
	mint
	not narrowed
} else := deny("confinement_violation") if {
	mint
	not confined
} else := deny("role_scope_mismatch") if {
	mint
	not role_covers(requested)
} else := allow(sprintf("caracal-%s-mint", [grant.application]), review) if {
	mint
	owns
	narrowed
	confined
	role_covers(requested)
	not bad_risk
	not bad_tiers
} else := allow("caracal-workload-mint", review) if {
	workload
	not bad_risk
	not bad_tiers
} else := deny("mandate_target_mismatch") if {
	presented
	not targeted
} else := deny("resource_not_granted") if {
	targeted
	not owns
} else := deny("role_scope_mismatch") if {
	targeted
	not role_covers(presented_scopes)
} else := allow(sprintf("caracal-%s-use", [grant.application]), []) if {
	targeted
	owns
	role_covers(presented_scopes)
}

deny(reason) := {
	"decision": "deny",
	"evaluation_status": "complete",
	"determining_policies": [],
	"diagnostics": [{"reason": reason}],
}

allow(policy, diagnostics) := {
	"decision": "allow",
	"evaluation_status": "complete",
	"determining_policies": [{"policy": policy}],
	"diagnostics": diagnostics,
}

requested := input.context.requested_scopes

presented_scopes := [scope |
	some scope in split(input.context.subject_claims.scope, " ")
	scope != ""
]

grant := data.caracal.authz.grants[input.resource.identifier]

owns if data.caracal.authz.app_ids[grant.application] == input.principal.id

plain if {
	not input.context.subject_claims
	not input.delegation_edge
	not input.context.agent_session_id
}

bootstrap if {
	plain
	{scope | some scope in requested} == {"agent:lifecycle"}
}

mint if {
	input.delegation_edge.id
	input.context.agent_session_id
	not input.context.subject_claims
	count(requested) > 0
	not "agent:lifecycle" in requested
}

workload if {
	plain
	input.principal.type == "Workload"
	input.action.id == "CredentialInjection"
}

governed if mint

governed if workload

presented if {
	input.context.subject_claims.delegation_edge_id != ""
	count(requested) == 0
	count(presented_scopes) > 0
}

targeted if {
	presented
	input.resource.identifier in input.context.subject_claims.target
}

narrowed if {
	every scope in requested {
		scope in input.delegation_edge.scopes
	}
}

# One label has to carry all of the scopes: roles do not add up.
role_covers(scopes) if {
	some label in input.principal.labels
	every scope in scopes {
		scope in grant.roles[label]
	}
}

has_confinement if {
	_ = data.caracal.authz.confinement
}

confined if not has_confinement

confined if {
	every rule in data.caracal.authz.confinement {
		respects(rule)
	}
}

# A rule without a text prefix is respected by nobody.
respects(rule) if {
	is_string(rule.label_prefix)
	not carries(rule.label_prefix)
}

respects(rule) if {
	is_string(rule.label_prefix)
	every scope in requested {
		scope in rule.scopes
	}
}

carries(prefix) if {
	some label in input.principal.labels
	startswith(label, prefix)
}

frozen if {
	some _ in data.caracal.authz.restrict
}

bad_risk if not is_array(data.caracal.authz.risk)

bad_risk if {
	some entry in data.caracal.authz.risk
	not risk_entry(entry)
}

risk_entry(entry) if {
	is_string(entry.scope)
	entry.scope != ""
	is_string(entry.tier)
	entry.tier != ""
}

bad_tiers if not is_array(data.caracal.authz.approval_tiers)

bad_tiers if {
	some entry in data.caracal.authz.approval_tiers
	not tier_entry(entry)
}

tier_entry(entry) if {
	is_string(entry.tier)
	entry.tier != ""
	object.get(entry, "approver", "operator") in {"operator", "subject", "any"}
	object.get(entry, "privacy", "identified") in {"identified", "pseudonymous", "anonymous"}
	ttl := object.get(entry, "ttl_seconds", 1800)
	is_number(ttl)
	ttl > 0
	round(ttl) == ttl
}

# One scope with two tiers is a conflict, which ends the evaluation.
risk_tiers := {entry.scope: entry.tier | some entry in data.caracal.authz.risk}

requested_tiers := {risk_tiers[scope] | some scope in requested}

declared_tiers := [entry |
	some entry in data.caracal.authz.approval_tiers
	entry.tier in requested_tiers
]

classified := [{"scope": scope, "tier": risk_tiers[scope]} |
	some scope in sort({s | some s in requested; risk_tiers[s]})
]

review := array.concat(step_up, risk_report)

step_up := [{"step_up_required": {"type": "human_approval", "tiers": declared_tiers}}] if {
	count(declared_tiers) > 0
} else := []

risk_report := [{"risk": classified}] if {
	count(classified) > 0
} else := []
