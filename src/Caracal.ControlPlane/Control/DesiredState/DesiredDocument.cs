using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.ControlPlane.Control.DesiredState;

/// <summary>One declared object.</summary>
internal sealed record DesiredObject(ObjectKind Kind, string Identity, JsonObject Spec);

/// <summary>A document as declared, or why it cannot be used (control.md 6, order of work).</summary>
internal sealed record DesiredDocument(IReadOnlyList<DesiredObject> Objects, bool Prune)
{
    private const int MostObjects = 5_000;
    private static readonly string[] ReservedNamespaces = ["control", "caracal.sys"];

    public static DesiredDocument? Read(ControlFlags flags, string zoneId, out ControlOutcome problem)
    {
        flags.Required("document");
        var root = flags.Json("document", JsonValueKind.Object) as JsonObject;
        problem = flags.Problem is { } fault ? ControlOutcome.Invalid(fault) : default;
        if (root is null) return null;
        if (root["objects"] is not JsonArray declared) return Refuse(ControlOutcome.Invalid("\"objects\" must be an array"), out problem);
        if (declared.Count > MostObjects) return Refuse(ControlOutcome.Invalid($"at most {MostObjects} objects are allowed"), out problem);
        var objects = new List<DesiredObject>();
        foreach (var (member, index) in declared.Select((member, index) => (member, index)))
        {
            if (member is not JsonObject item || item["spec"] is not JsonObject spec || ObjectKinds.Find(ObjectKinds.Text(item, "kind")) is not { } kind)
            {
                return Refuse(ControlOutcome.Invalid($"objects[{index}] must have a known kind and a spec"), out problem);
            }

            if (ReadOne(kind, spec, $"objects[{index}]", out problem) is not { } one) return null;
            objects.Add(one);
        }

        if (objects.GroupBy(item => (item.Kind.Name, item.Identity)).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            return Refuse(ControlOutcome.Invalid($"{twice.Key.Name} {twice.Key.Identity} is declared twice"), out problem);
        }

        var prune = flags.IsSet("prune") || root["prune"] is JsonValue value && value.GetValueKind() == JsonValueKind.True;
        return Check(new DesiredDocument(objects, prune), zoneId, out problem);
    }

    /// <summary>The document of one object.</summary>
    public static DesiredDocument? ReadSpec(ControlFlags flags, ObjectKind kind, string zoneId, out ControlOutcome problem)
    {
        flags.Required("spec");
        var spec = flags.Json("spec", JsonValueKind.Object) as JsonObject;
        problem = flags.Problem is { } fault ? ControlOutcome.Invalid(fault) : default;
        if (spec is null || ReadOne(kind, spec, "spec", out problem) is not { } one) return null;
        return Check(new DesiredDocument([one], Prune: false), zoneId, out problem);
    }

    private static DesiredObject? ReadOne(ObjectKind kind, JsonObject spec, string place, out ControlOutcome problem)
    {
        problem = default;
        if (ObjectKinds.Text(spec, kind.IdentityField) is { Length: > 0 } identity) return new DesiredObject(kind, identity, spec);
        problem = ControlOutcome.Invalid($"{place}: spec.{kind.IdentityField} is required");
        return null;
    }

    // The whole document first: nothing of it is written when any of it may not be.
    private static DesiredDocument? Check(DesiredDocument document, string zoneId, out ControlOutcome problem)
    {
        problem = default;
        foreach (var item in document.Objects)
        {
            foreach (var name in (string[])["zone_id", "zone"])
            {
                if (item.Spec.TryGetPropertyValue(name, out var zone) && zone?.ToString() != zoneId)
                {
                    return Refuse(ControlOutcome.Refuse(409, "zone_mismatch", $"{item.Kind.Name} {item.Identity} names another zone"), out problem);
                }
            }
        }

        foreach (var item in document.Objects.Where(item => item.Kind.Name == "application"))
        {
            if (item.Spec["traits"] is not JsonArray traits) continue;
            if (traits.Any(trait => trait is null || ReservedNamespaces.Contains(trait.ToString().Split(':')[0])))
            {
                return Refuse(ControlOutcome.Denied($"application {item.Identity}: traits of this namespace are managed outside Control"), out problem);
            }
        }

        return document;
    }

    private static DesiredDocument? Refuse(ControlOutcome outcome, out ControlOutcome problem)
    {
        problem = outcome;
        return null;
    }
}
