using Caracal.ControlPlane.Http;
using Caracal.Protocol;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>The <c>fields</c> of a flat list: a choice among the known ones, or all of them (api.md 11.8).</summary>
internal readonly record struct FieldList(IReadOnlyList<string> Names, bool Chosen, Refusal? Problem)
{
    private const int Longest = 1000;

    public static FieldList Read(ApiCall call, IReadOnlyList<string> known)
    {
        if (!call.Context.Request.Query.TryGetValue("fields", out var values)) return new(known, false, null);
        if (values.Count != 1 || values[0] is not { Length: > 0 and <= Longest } text) return new([], false, ControlPlaneErrors.InvalidFields);
        var names = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToList();
        return names.Count == 0 || names.Exists(name => !known.Contains(name))
            ? new([], false, ControlPlaneErrors.InvalidFields)
            : new(names, true, null);
    }
}
