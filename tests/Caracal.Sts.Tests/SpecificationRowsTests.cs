using System.Reflection;
using Caracal.Sts.Tests.Approvals;
using Caracal.Sts.Tests.TokenExchange;

namespace Caracal.Sts.Tests;

/// <summary>Where each row of sts.md is tested: the validation order, the loop over resources, the black-box checks. The compiler keeps the names true.</summary>
public sealed class SpecificationRowsTests
{
    // Two tables whose tests carry the number in their names.
    private static readonly (Type Suite, string Prefix, int Rows)[] Numbered =
    [
        (typeof(ValidationOrderTests), "Row_", 22), // 2.1
        (typeof(ResourceLoopTests), "Step_", 10), // 2.2
    ];

    private static readonly (int Check, string Test)[] Checks =
    [
        (1, nameof(BlackBoxTests.Check_01_ready_until_shared_state_is_gone_and_then_no_token)),
        (2, nameof(StsSettingsTests.Refuses)),
        (3, nameof(BlackBoxTests.Check_03_every_refusal_has_its_envelope_and_echoes_the_request_id)),
        (4, nameof(BlackBoxTests.Check_04_guesses_are_stopped_and_nobody_else)),
        (5, nameof(BlackBoxTests.Check_05_another_zone_is_told_to_the_owner_of_the_secret_only)),
        (6, nameof(BlackBoxTests.Check_06_no_active_policy_set_denies_all)),
        (7, nameof(BlackBoxTests.Check_07_a_bootstrap)),
        (8, nameof(BlackBoxTests.Check_08_a_bootstrap_on_somebody_elses_resource)),
        (9, nameof(BlackBoxTests.Check_09_a_delegated_mint)),
        (10, nameof(GatewayExchangeTests.A_token_without_the_gateway_never_opens_a_resource)),
        (11, nameof(GatewayExchangeTests.Every_signed_part_is_checked)),
        (12, nameof(GatewayExchangeTests.An_operation_outside_the_floor_is_not_permitted)),
        (13, nameof(BlackBoxTests.Check_13_two_keys_and_their_headers)),
        (14, nameof(BlackBoxTests.Check_14_a_gated_scope_is_held_under_one_id)),
        (15, nameof(ApprovalTests.A_waiter_wakes_on_the_decision)),
        (16, nameof(ApprovalTests.A_lost_answer_is_given_again_for_two_minutes_and_then_never)),
        (17, nameof(BlackBoxTests.Check_17_two_retries_at_once_make_one_record)),
        (18, nameof(DecisionTests.Five_failures_silence_that_person_and_nobody_else)),
        (19, nameof(ApprovalTests.Operator_and_subject_tiers_together_are_refused)),
        (20, nameof(BlackBoxTests.Check_20_a_decision_policy_mints_but_neither_widens_nor_calls_out)),
        (21, nameof(BlackBoxTests.Check_21_a_new_version_shows_on_every_replica)),
        (22, nameof(BlackBoxTests.Check_22_a_revoked_record_takes_its_descendants_with_it)),
        (23, nameof(BlackBoxTests.Check_23_federation)),
        (24, nameof(BlackBoxTests.Check_24_no_event_is_lost_while_the_ledger_is_away_over_a_restart)),
        // 25, the vectors: Keys (secret hash, HMAC, CSS1), Streams, Evidence (audit), Authority (binding, manifest, pseudonym), Protocol (JWT).
    ];

    private static readonly HashSet<string> Tests =
    [
        .. typeof(SpecificationRowsTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes<FactAttribute>(inherit: true).Any()).Select(method => method.Name),
    ];

    [Fact]
    public void Every_numbered_row_has_a_test_that_runs() => Assert.All(Numbered, table => Assert.All(
        Enumerable.Range(1, table.Rows),
        row => Assert.Contains(table.Suite.GetMethods(), method => method.Name.StartsWith($"{table.Prefix}{row:00}_", StringComparison.Ordinal) && Tests.Contains(method.Name))));

    [Fact]
    public void Every_black_box_check_has_a_test_that_runs()
    {
        Assert.Equal(Enumerable.Range(1, 24), Checks.Select(row => row.Check));
        Assert.All(Checks, row => Assert.Contains(row.Test, Tests));
    }
}
