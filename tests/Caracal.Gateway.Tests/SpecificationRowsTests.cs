using System.Reflection;
using Caracal.Gateway.Tests.Service;

namespace Caracal.Gateway.Tests;

/// <summary>Where each row of gateway.md is tested: the steps of A3 and the black-box checks. The compiler keeps the names true.</summary>
public sealed class SpecificationRowsTests
{
    private static readonly (int Step, string Test)[] Steps =
    [
        (1, nameof(AdmissionTests.Without_a_fresh_snapshot_nobody_passes)),
        (2, nameof(AdmissionTests.No_bearer_token_is_401)),
        (3, nameof(AdmissionTests.A_bearer_of_more_than_8192_bytes_is_too_large)),
        (4, nameof(AdmissionTests.A_bearer_that_is_no_mandate_is_malformed)),
        (5, nameof(AdmissionTests.A_mandate_that_does_not_outlive_the_preflight_window_is_refused)),
        (6, nameof(AdmissionTests.A_client_header_is_refused)),
        (7, nameof(AdmissionTests.A_missing_resource_header_is_refused)),
        (8, nameof(AdmissionTests.A_token_without_a_proper_zone_is_refused)),
        (9, nameof(AdmissionTests.A_token_without_a_proper_client_is_refused)),
        (10, nameof(HostileRequestTests.Every_traversal_form_is_refused_before_anybody_is_asked)),
        (11, nameof(AdmissionTests.A_flipped_signature_is_refused)),
        (12, nameof(AdmissionTests.A_mandate_presented_twice_is_a_replay)),
        (13, nameof(RevocationTests.A_signed_message_for_any_anchor_denies_the_next_call)),
        (14, nameof(ExchangeTests.Three_failures_open_the_circuit_and_one_probe_closes_it)),
        (15, nameof(ExchangeTests.A_refusal_of_the_sts_passes_through_with_our_request_id)),
        (16, nameof(ForwardingTests.A_forbidden_upstream_is_502_and_audited)),
        (17, nameof(ForwardingTests.A_provider_credential_for_other_hosts_stays_here)),
        (18, nameof(ForwardingTests.A_forbidden_credential_header_is_a_build_error)),
        (19, nameof(ForwardingTests.An_upstream_that_does_not_listen_is_502)),
        (20, nameof(ForwardingTests.A_good_call_leaves_one_event_with_all_its_members)),
    ];

    private static readonly (int Check, string Test)[] Checks =
    [
        (1, nameof(OperationsTests.Readiness_names_the_first_that_fails)),
        (2, nameof(AdmissionTests.Every_denial_names_its_request)),
        (3, nameof(AdmissionTests.Five_thousand_bytes_of_garbage_are_malformed)),
        (4, nameof(AdmissionTests.A_mandate_that_does_not_outlive_the_preflight_window_is_refused)),
        (5, nameof(AdmissionTests.A_missing_resource_header_is_refused)),
        (6, nameof(AdmissionTests.A_path_that_climbs_is_refused_as_it_stands_on_the_wire)),
        (7, nameof(AdmissionTests.Another_key_under_a_known_id_and_an_unknown_zone_are_refused)),
        (8, nameof(AdmissionTests.A_mandate_presented_twice_is_a_replay)),
        (9, nameof(AdmissionTests.Failing_open_lets_a_request_through_while_the_replay_store_is_down)),
        (10, nameof(RevocationTests.A_wrongly_signed_or_unsigned_message_has_no_effect_and_is_kept_aside)),
        (11, nameof(RevocationTests.A_message_without_an_anchor_marks_nothing)), // its fifth delivery: Streams' RelayContract
        (12, nameof(RevocationTests.An_idle_stream_ends_at_once_when_its_authority_is_revoked)),
        (13, nameof(ForwardingTests.The_upstream_sees_the_mandate_and_nothing_of_ours)),
        (14, nameof(ForwardingTests.The_answer_loses_what_must_not_leave)),
        (15, nameof(ForwardingTests.Loopback_is_forbidden_unless_private_upstreams_are_open)),
        (16, nameof(ForwardingTests.A_host_outside_the_allowlist_is_502)),
        (17, nameof(ForwardingTests.A_body_of_unknown_length_over_the_limit_is_413_and_audited)),
        (18, nameof(ExchangeTests.Three_failures_open_the_circuit_and_one_probe_closes_it)),
        (19, nameof(ExchangeTests.A_refusal_of_the_sts_passes_through_with_our_request_id)),
        (20, nameof(ExchangeTests.Every_exchange_is_signed_over_its_own_bytes_with_its_own_nonce)),
        (21, nameof(RevocationTests.What_the_database_calls_revoked_is_denied_after_a_reload)),
        (22, nameof(ForwardingTests.Events_wait_in_the_journal_while_their_sink_is_down_and_drain_when_it_is_back)),
        (23, nameof(GatewaySettingsTests.A_published_gateway_does_not_start_with)),
        (24, nameof(OperationsTests.Metrics_need_the_bearer_outside_dev)), // TLS versions: Hosting's ServerCertificateTests
        // 25 is the verifier's: AspNetCore.Tests, MiddlewareTests.
    ];

    private static readonly HashSet<string> Tests =
    [
        .. typeof(SpecificationRowsTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes<FactAttribute>(inherit: true).Any()).Select(method => method.Name),
    ];

    [Fact]
    public void Every_step_has_a_test_that_runs()
    {
        Assert.Equal(Enumerable.Range(1, 20), Steps.Select(row => row.Step));
        Assert.All(Steps, row => Assert.Contains(row.Test, Tests));
    }

    [Fact]
    public void Every_black_box_check_has_a_test_that_runs()
    {
        Assert.Equal(Enumerable.Range(1, 24), Checks.Select(row => row.Check));
        Assert.All(Checks, row => Assert.Contains(row.Test, Tests));
    }
}
