using System.Text.Json.Nodes;
using Caracal.Evidence.Ledger;
using Caracal.Protocol;

namespace Caracal.Cli.Ledger;

/// <summary>How commands tell of untrusted rows in JSON: who marks them and who verifies a ledger with them say the same.</summary>
internal static class UntrustedJson
{
    public static JsonArray Of(IReadOnlyList<UntrustedRows> marked) => new([.. marked.Select(Of)]);

    private static JsonObject Of(UntrustedRows rows) => new()
    {
        ["chain"] = rows.Chain,
        ["key_id"] = rows.KeyId,
        ["first_seq"] = rows.FirstSeq,
        ["last_seq"] = rows.LastSeq,
        ["untrusted_after"] = Timestamps.Seconds(rows.UntrustedAfter),
    };
}
