//! Lists and their pagination.

use serde::Serialize;
use splitter_core::store::PageRequest;

/// `{"data":[…],"pagination":{…}}`
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    data: Vec<T>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    total: u64,
    total_pages: u64,
    current_page: u32,
    limit: u32,
}

impl<T> List<T> {
    pub(crate) fn new(data: Vec<T>, total: u64, page: PageRequest) -> Self {
        let total_pages = total.div_ceil(u64::from(page.limit));
        Self { data, pagination: Pagination { total, total_pages, current_page: page.page, limit: page.limit } }
    }
}

/// `{"data":[…]}`
#[derive(Debug, Serialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// `{"id":…,"name":…}`
#[derive(Debug, Serialize)]
pub(crate) struct Named<I> {
    pub(crate) id: I,
    pub(crate) name: String,
}
