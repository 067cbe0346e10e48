using System.Text;
using System.Text.Json;

namespace Caracal.Sts.Approvals;

/// <summary>What a decision says (sts.md 8.6).</summary>
internal sealed record DecisionBody(bool Approved, string Binding, string? Reason)
{
    private const int LongestReason = 500;

    /// <summary>Null when it is not a decision.</summary>
    public static DecisionBody? TryRead(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "binding") is not { Length: > 0 } binding)
            {
                return null;
            }

            var decision = Text(root, "decision");
            if (decision is not ("approved" or "rejected"))
            {
                return null;
            }

            var reason = Text(root, "reason");
            return reason is null || Encoding.UTF8.GetByteCount(reason) <= LongestReason
                ? new DecisionBody(decision == "approved", binding, reason)
                : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;
}
