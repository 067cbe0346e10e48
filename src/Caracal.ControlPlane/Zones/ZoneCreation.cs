using Caracal.Authority.Zones;
using Caracal.ControlPlane.ZoneKeys;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.ZoneKeys;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary>Makes a zone together with its first signing key, for the route and for bootstrap.</summary>
internal sealed class ZoneCreation(ZoneKeyMint keys)
{
    private const int LongestName = 120;

    /// <summary>Name of a zone; <c>display_name</c> is the same field under its other name.</summary>
    public static string? Name(Http.Fields fields)
    {
        var name = fields.OptionalText("name", 1, LongestName, trim: true);
        var alias = fields.OptionalText("display_name", 1, LongestName, trim: true);
        if (name is not null && alias is not null && name != alias) fields.Note("display_name", "must equal name");
        return name ?? alias;
    }

    public static string? Slug(Http.Fields fields)
    {
        var slug = fields.OptionalText("slug", 1, LongestName);
        return slug is null || Slugs.IsSlug(slug) ? slug : fields.Note("slug", "must be lower-case letters, digits and hyphens");
    }

    /// <summary>Inserts the zone; null when the slug it insists on is taken.</summary>
    public async Task<ZoneRow?> InsertAsync(Work work, ZoneRow zone, string? slug)
    {
        if (slug is not null && await ZoneStore.SlugTakenAsync(work.Connection, slug)) return null;
        var row = zone with { Slug = slug ?? await FreeSlugAsync(work, Slugs.From(zone.Name, "zone")) };
        await ZoneStore.InsertAsync(work, row);
        var key = keys.Mint();
        await ZoneKeyStore.InsertAsync(work, row.Id, key.KeyId, key.Envelope, "active", row.CreatedAt, row.CreatedAt);
        return row;
    }

    private static async Task<string> FreeSlugAsync(Work work, string slug)
    {
        foreach (var candidate in Slugs.Candidates(slug))
        {
            if (!await ZoneStore.SlugTakenAsync(work.Connection, candidate)) return candidate;
        }

        return $"{slug}-{Ids.New().Replace("-", "", StringComparison.Ordinal)}";
    }
}
