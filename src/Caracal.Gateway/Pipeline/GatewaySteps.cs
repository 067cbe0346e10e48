using Caracal.Gateway.Admission;
using Caracal.Gateway.Budgets;
using Caracal.Gateway.Exchange;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Mandates;
using Caracal.Gateway.Mcp;
using Caracal.Gateway.Replay;
using Caracal.Gateway.Revocations;
using Caracal.Gateway.Upstream;

namespace Caracal.Gateway.Pipeline;

/// <summary>The spine: every check of gateway.md A3 in its order. Steps 1 to 15 make no upstream contact.</summary>
internal static class GatewaySteps
{
    public static IReadOnlyList<IGatewayStep> InOrder(GatewayParts parts) =>
    [
        new CheckRevocationFreshness(parts.Revocations),                                    // 1
        new FindBearer(),                                                                   // 2
        new LimitBearer(parts.Settings.MaxBearerBytes),                                     // 3
        new ParseBearer(),                                                                  // 4
        new CheckPreflightWindow(),                                                         // 5
        new RefuseClientHeader(),                                                           // 6
        new FindResource(),                                                                 // 7
        new CheckZoneClaim(),                                                               // 8
        new CheckClientClaim(),                                                             // 9
        new CheckPath(),                                                                    // 10
        new VerifySignature(parts.ZoneKeys),                                                // 11
        new CheckMandateUse(),                                                              // 11, what it signs
        new LimitBody(parts.Settings.MaxRequestBytes),                                      // before 12: keeps the JTI
        new CheckMcpMessage(parts.Settings),                                                // before 12: keeps the JTI
        new SpendMandate(parts.State, parts.Evidence, parts.Settings.JtiFailOpen, parts.Log), // 12
        new CheckRevocation(parts.Revocations),                                             // 13
        new CheckCircuit(parts.Circuit, parts.Metrics),                                     // 14
        new ExchangeMandate(parts.Exchange, parts.Circuit, parts.Metrics, parts.Log),                  // 15
        new GuardUpstream(parts.Guard, parts.Targets),                                      // 16
        new CheckCredentialHost(),                                                          // 17
        new BuildRequest(parts.Settings),                                    // 18
        new ReserveBudget(parts.Budgets),                                                   // before 19: only where one is carried
        new SendRequest(parts.Http, parts.Budgets, parts.Settings),                                        // 19
        new ObserveCredential(parts.State, parts.Log),                                      // after 19: only while a credential is new
        new RelayAnswer(parts.Revocations, parts.LiveAnswers, parts.Sockets, parts.Evidence, parts.Receipts, parts.Metrics, parts.Settings, parts.Log), // 20
    ];
}
