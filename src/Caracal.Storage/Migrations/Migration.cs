namespace Caracal.Storage.Migrations;

/// <summary>One forward-only step of the schema.</summary>
/// <param name="Version">The file's stem, <c>NNNN_name</c>.</param>
/// <param name="Sql">Its text for one engine.</param>
/// <param name="Sha256">Lower-case hex over the untranslated files.</param>
internal sealed record Migration(string Version, string Sql, string Sha256);
